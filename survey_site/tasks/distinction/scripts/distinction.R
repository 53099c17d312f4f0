# Picks of the predicted class's map from a study's responses.csv: Rscript distinction.R responses.csv
#
# Base R alone. Per column the share of right picks, apart for right and wrong predictions, with 95 % intervals clustered by
# participants and images, and d' of one right map among four (docs/statistics.md); guessing gives 25 %. The flag is
# distinction_prediction_right where the task agreement, installed before this one, has taken the plain name.

MAPS <- 4

two_way_variance <- function(psi, person, item) {
  one_way <- function(group) {
    sums <- tapply(psi, group, sum)
    sum(sums^2) * length(sums) / (length(sums) - 1)
  }
  people <- one_way(person)
  items <- one_way(item)
  max(people + items - one_way(paste(person, item, sep = "\t")), people, items)
}

share <- function(rows) {
  n <- nrow(rows)
  if (!n) return(c(NA, NA, NA))
  p <- mean(rows$score)
  people <- length(unique(rows$participant))
  items <- length(unique(rows$stimulus))
  if (min(people, items) < 2) return(c(p, NA, NA))
  size <- people
  t <- qnorm(0.975)
  if (p > 0 && p < 1) {
    v <- max(two_way_variance((rows$score - p) / n, rows$participant, rows$stimulus), p * (1 - p) / n)
    size <- p * (1 - p) / v
    t <- qt(0.975, min(people, items) - 1)
  }
  centre <- (p + t^2 / (2 * size)) / (1 + t^2 / size)
  half <- t / (1 + t^2 / size) * sqrt(p * (1 - p) / size + t^2 / (4 * size^2))
  c(p, max(0, centre - half), min(1, centre + half))
}

d_prime <- function(p, n) {
  if (is.na(p)) return(NA)
  target <- min(max(p, 0.5 / n), 1 - 0.5 / n)
  chosen <- function(d) {
    integrate(function(x) dnorm(x - d) * pnorm(x)^(MAPS - 1), d - 8, d + 8, rel.tol = 1e-10)$value - target
  }
  uniroot(chosen, c(-12, 12), tol = 1e-9)$root
}

data <- read.csv(commandArgs(trailingOnly = TRUE)[1], na.strings = "", encoding = "UTF-8",
                 colClasses = c(participant = "character", stimulus = "character", column = "character",
                                task = "character"))
is_not <- function(x, value) is.na(x) | x != value
data <- data[data$task == "distinction" & is_not(data$excluded, 1) & is_not(data$attention_check, 1) &
               is_not(data$block, "practice") & is_not(data$seen, "no") & !is.na(data$score), ]
flag <- intersect(c("distinction_prediction_right", "prediction_right"), names(data))[1]
right <- data[[flag]] == 1

cat("column,n,picked,low,high,of_right,right_low,right_high,of_wrong,wrong_low,wrong_high,d_prime,d_low,d_high\n")
for (column in unique(data$column)) {
  own <- data$column == column
  all <- share(data[own, ])
  d <- sapply(all, d_prime, n = sum(own))
  shares <- 100 * c(all, share(data[own & right, ]), share(data[own & !right, ]))
  cat(sprintf("\"%s\",%d,%s\n", column, sum(own), paste(sprintf("%.6f", c(shares, d)), collapse = ",")))
}
