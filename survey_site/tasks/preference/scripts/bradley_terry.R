# Strengths of the preferred maps from a study's responses.csv: Rscript bradley_terry.R responses.csv
#
# Base R alone. Bradley and Terry's model as a logistic regression without intercept; log odds around their mean of 0,
# with 95 % intervals clustered by participants and images (docs/statistics.md). A row's rival is in further_columns.

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
                                further_columns = "character", task = "character"))
is_not <- function(x, value) is.na(x) | x != value
data <- data[data$task == "preference" & is_not(data$excluded, 1) & is_not(data$attention_check, 1) &
               is_not(data$block, "practice") & is_not(data$seen, "no") & !is.na(data$score), ]
names <- sort(unique(c(data$column, data$further_columns)))
sign_of <- function(name) (data$column == name) - (data$further_columns == name)
design <- sapply(names, sign_of)
free <- design[, -1, drop = FALSE]
fit <- suppressWarnings(glm.fit(free, data$score, family = binomial()))
if (max(abs(fit$coefficients)) > 12) {
  message("bradley_terry.R: a column won, or lost, every pair, so its strength has no bound")
  quit(status = 2)
}
p <- fit$fitted.values
influence <- (free * (data$score - p)) %*% solve(crossprod(free * (p * (1 - p)), free))
df <- min(length(unique(data$participant)), length(unique(data$stimulus))) - 1
theta <- c(0, fit$coefficients)
moved <- cbind(0, influence)
cat("column,strength,ci_low,ci_high\n")
for (k in order(-theta)) {
  weights <- (seq_along(names) == k) - 1 / length(names)
  value <- sum(weights * theta)
  error <- sqrt(two_way_variance(as.vector(moved %*% weights), data$participant, data$stimulus))
  half <- qt(0.975, df) * error
  cat(sprintf("\"%s\",%.6f,%.6f,%.6f\n", names[k], value, value - half, value + half))
}
