# d' and criterion of the judged predictions from a study's responses.csv: Rscript signal_detection.R responses.csv
#
# Base R alone. Right and wrong predictions apart; log-linear rates (Hautus 1995); 95 % intervals clustered by participants
# and images (docs/statistics.md). A study that also has the task distinction names the flag agreement_prediction_right.

two_way_variance <- function(psi, person, item) {
  one_way <- function(group) {
    sums <- tapply(psi, group, sum)
    sum(sums^2) * length(sums) / (length(sums) - 1)
  }
  people <- one_way(person)
  items <- one_way(item)
  max(people + items - one_way(paste(person, item, sep = "\t")), people, items)
}

data <- read.csv(commandArgs(trailingOnly = TRUE)[1], na.strings = "", encoding = "UTF-8",
                 colClasses = c(participant = "character", stimulus = "character", column = "character",
                                task = "character"))
is_not <- function(x, value) is.na(x) | x != value
data <- data[data$task == "agreement" & is_not(data$excluded, 1) & is_not(data$attention_check, 1) &
               is_not(data$block, "practice") & is_not(data$seen, "no") & !is.na(data$score), ]
flag <- intersect(c("agreement_prediction_right", "prediction_right"), names(data))[1]
data$right <- data[[flag]] == 1

cat("column,of_right,of_wrong,d_prime,d_low,d_high,criterion,c_low,c_high\n")
for (column in unique(data$column)) {
  rows <- data[data$column == column, ]
  rate <- function(half) (sum(half$score) + 0.5) / (nrow(half) + 1)
  halves <- list(rows[rows$right, ], rows[!rows$right, ])
  z <- sapply(halves, function(half) qnorm(rate(half)))
  variances <- sapply(halves, function(half) rate(half) * (1 - rate(half)) / (nrow(half) * dnorm(qnorm(rate(half)))^2))
  psi <- numeric(nrow(rows))
  for (k in 1:2) {
    own <- rows$right == (k == 1)
    psi[own] <- (rows$score[own] - mean(rows$score[own])) / (sum(own) * dnorm(z[k]))
  }
  fewest <- sapply(halves, function(half) min(length(unique(half$participant)), length(unique(half$stimulus))))
  t <- qt(0.975, min(fewest) - 1)
  around <- function(value, psi, least) {
    half <- t * sqrt(max(two_way_variance(psi, rows$participant, rows$stimulus), least))
    c(value, value - half, value + half)
  }
  d <- around(sum(z), psi, sum(variances))
  criterion <- around((z[2] - z[1]) / 2, ifelse(rows$right, -psi, psi) / 2, sum(variances) / 4)
  shares <- sapply(halves, function(half) 100 * mean(half$score))
  cat(sprintf("\"%s\",%s\n", column, paste(sprintf("%.6f", c(shares, d, criterion)), collapse = ",")))
}
