# Table 1 from a study's responses.csv: Rscript table1.R responses.csv
#
# Base R alone. Prints Human Faith % and Interpretability Index per column, each with its 95 % interval
# (participants and images both random) and n; docs/statistics.md gives the formulas.

two_way_variance <- function(psi, person, item) {
  one_way <- function(group) {
    sums <- tapply(psi, group, sum)
    sum(sums^2) * length(sums) / (length(sums) - 1)
  }
  people <- one_way(person)
  items <- one_way(item)
  max(people + items - one_way(paste(person, item, sep = "\t")), people, items)
}

faith <- function(rows) {
  p <- mean(rows$correct)
  n <- nrow(rows)
  people <- length(unique(rows$participant))
  items <- length(unique(rows$item))
  if (min(people, items) < 2) return(c(100 * p, NA, NA))
  size <- people
  t <- qnorm(0.975)
  if (p > 0 && p < 1) {
    v <- max(two_way_variance((rows$correct - p) / n, rows$participant, rows$item), p * (1 - p) / n)
    size <- p * (1 - p) / v
    t <- qt(0.975, min(people, items) - 1)
  }
  centre <- (p + t^2 / (2 * size)) / (1 + t^2 / size)
  half <- t / (1 + t^2 / size) * sqrt(p * (1 - p) / size + t^2 / (4 * size^2))
  100 * c(p, centre - half, centre + half)
}

index <- function(rows) {
  m <- mean(rows$rating)
  df <- min(length(unique(rows$participant)), length(unique(rows$item))) - 1
  if (df < 1) return(c(m, NA, NA))
  v <- two_way_variance((rows$rating - m) / nrow(rows), rows$participant, rows$item)
  half <- if (v > 1e-20) qt(0.975, df) * sqrt(v) else NA
  c(m, max(0, m - half), min(6, m + half))
}

# Half up, as the report does; R's own round() goes to the even digit.
rounded <- function(value, places) {
  if (is.na(value)) return("n/a")
  shift <- 10^places
  near <- floor(round(abs(value) * shift, 6) + 0.5) / shift
  sprintf("%.*f", places, if (near == 0) 0 else near * sign(value)) # never "-0.0"
}

data <- read.csv(commandArgs(trailingOnly = TRUE)[1], na.strings = "", encoding = "UTF-8",
                 colClasses = c(participant = "character", stimulus = "character", pool = "character",
                                column = "character"))
is_not <- function(x, value) is.na(x) | x != value
data <- data[is_not(data$excluded, 1) & is_not(data$attention_check, 1) &
               is_not(data$block, "practice") & is_not(data$seen, "no"), ]
data$item <- data$stimulus
pools <- data$task == "matching" & !is.na(data$pool)
data$item[pools] <- vapply(strsplit(data$pool[pools], "|", fixed = TRUE),
                           function(x) paste(sort(x), collapse = "|"), "")
matching <- data[data$task == "matching" & !is.na(data$correct), ]
rating <- data[data$task == "rating" & !is.na(data$rating), ]

cat("column,faith,faith_low,faith_high,faith_n,index,index_low,index_high,index_n\n")
for (column in unique(data$column[!is.na(data$column)])) {
  m <- matching[matching$column == column, ]
  r <- rating[rating$column == column, ]
  f <- if (nrow(m)) mapply(rounded, faith(m), c(0, 1, 1)) else rep("n/a", 3)
  i <- if (nrow(r)) mapply(rounded, index(r), 2) else rep("n/a", 3)
  cat(paste(c(column, f, nrow(m), i, nrow(r)), collapse = ","), "\n", sep = "")
}
