# The mixed models of a study's report from its responses.csv, by lme4 and ordinal:
#
#   Rscript mixed_models.R responses.csv REFERENCE [CONTROL ...] [--only-seen]
#
# REFERENCE: the column that the others are compared with; CONTROL: columns that are left out of the models.
# --only-seen: for a study that does not count answers of which it is unknown whether the picture was seen.
# Participants and images (pools where a trial shows one) are crossed at random. Scores of two levels: logistic (glmer);
# of more, whole ones: cumulative logit (clmm). Laplace's approximation, Wald's 95 % intervals. Rows with `adjusted` none
# are those of the report; where emmeans is installed, all pairs with Tukey's correction follow. The report fits at
# most 20,000 answers, of participants drawn at random, and says so; this script fits all.

refuse <- function(...) {
  message("mixed_models.R: ", ...)
  quit(status = 2)
}
missing_package <- Filter(function(name) !requireNamespace(name, quietly = TRUE), c("lme4", "ordinal"))
if (length(missing_package)) {
  refuse("install the package ", missing_package[1], ": install.packages(\"", missing_package[1], "\")")
}
if (!l10n_info()[["UTF-8"]]) suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8")) # else names are printed as codes
arguments <- commandArgs(trailingOnly = TRUE)
Encoding(arguments) <- "UTF-8"
only_seen <- "--only-seen" %in% arguments
arguments <- setdiff(arguments, "--only-seen")
if (length(arguments) < 2) refuse("say the file and the reference column: responses.csv REFERENCE [CONTROL ...]")
NEEDED <- c("participant", "task", "column", "stimulus", "pool", "block", "seen", "attention_check", "excluded")
QUANTILE <- qnorm(0.975)
AT_ZERO <- 1e-3 # a deviation below it is none

# The export writes an apostrophe before what a spreadsheet would take for a formula.
as_given <- function(names) sub("^'(?=[-=+@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20])", "", names, perl = TRUE)

read_answers <- function(path) {
  if (!file.exists(path)) refuse("no file ", path)
  data <- suppressWarnings(read.csv(path, na.strings = "", encoding = "UTF-8",
                   colClasses = c(participant = "character", stimulus = "character", pool = "character",
                                  column = "character", task = "character")))
  absent <- setdiff(NEEDED, names(data))
  if (length(absent)) refuse(path, " has no column ", absent[1], ": take the study's responses.csv")
  is_not <- function(x, value) is.na(x) | x != value
  data <- data[is_not(data$excluded, 1) & !is_not(data$attention_check, 0) & is_not(data$block, "practice") &
                 is_not(data$seen, "no") & !is.na(data$column), ]
  if (only_seen) data <- data[data$seen %in% "yes", ]
  data$column <- as_given(data$column)
  data$item <- data$stimulus
  pools <- !is.na(data$pool)
  data$item[pools] <- vapply(strsplit(data$pool[pools], "|", fixed = TRUE),
                             function(x) paste(sort(x), collapse = "|"), "")
  if (is.null(data$score)) data$score <- ifelse(data$task == "matching", data$correct, data$rating)
  data[!is.na(data$score), ]
}

# Why no model is fitted, in the report's words; NULL where one can be.
impossible <- function(rows, reference) {
  if (!reference %in% rows$column || length(unique(rows$column)) < 2) {
    return("not estimable: needs two columns with answers, the reference among them")
  }
  if (min(length(unique(rows$participant)), length(unique(rows$item))) < 3) {
    return("not estimable: needs at least 3 participants and 3 images")
  }
  if (length(unique(rows$score)) < 2) return("not estimable: all answers are the same")
  if (length(unique(rows$score)) > 2 && any(rows$score %% 1 != 0)) return("left out: the scores are no ordered levels")
  if (any(tapply(rows$score, rows$column, function(y) length(unique(y))) < 2)) {
    return("not estimable: a column has one and the same answer throughout")
  }
}

logistic <- function(rows) {
  rows$right <- rows$score == max(rows$score)
  found <- lme4::glmer(right ~ column + (1 | participant) + (1 | item), data = rows, family = binomial,
                       control = lme4::glmerControl(optimizer = "bobyqa", tolPwrss = 1e-10,
                                                    optCtrl = list(rhoend = 1e-9, maxfun = 1e5)))
  spread <- vapply(lme4::VarCorr(found), function(v) sqrt(v[1]), 0)
  list(model = found, table = coef(summary(found)), participant = spread[["participant"]],
       item = spread[["item"]], name = "glmer")
}

# clmm finds no errors where a deviation is zero: then that factor is left out, which is the same model.
cumulative <- function(rows, factors = c("participant", "item")) {
  rows$level <- factor(rows$score, ordered = TRUE)
  terms <- c("column", sprintf("(1 | %s)", factors))
  fit <- if (length(factors)) ordinal::clmm else ordinal::clm
  found <- fit(reformulate(terms, "level"), data = rows)
  spread <- c(participant = 0, item = 0)
  if (length(factors)) spread[factors] <- vapply(ordinal::VarCorr(found)[factors], function(v) sqrt(v[1]), 0)
  none <- factors[spread[factors] < AT_ZERO]
  if (length(none)) return(cumulative(rows, setdiff(factors, none)))
  list(model = found, table = coef(summary(found)), participant = spread[["participant"]],
       item = spread[["item"]], name = if (length(factors)) "clmm" else "clm")
}

line <- function(task, model, column, against, ratio, low, high, p, adjusted, fit = NULL, answers = NA, reason = NA) {
  data.frame(task = task, model = model, column = column, against = against, odds_ratio = ratio, ci_low = low,
             ci_high = high, p = p, adjusted = adjusted,
             participant_sd = if (is.null(fit)) NA else fit$participant,
             item_sd = if (is.null(fit)) NA else fit$item,
             log_likelihood = if (is.null(fit)) NA else as.numeric(logLik(fit$model)), answers = answers,
             reason = reason)
}

with_reference <- function(fit, task, reference, answers) {
  columns <- levels(factor(answers$column))
  rows <- paste0("column", setdiff(columns, reference))
  b <- fit$table[rows, "Estimate"]
  error <- fit$table[rows, "Std. Error"]
  line(task, fit$name, setdiff(columns, reference), reference, exp(b), exp(b - QUANTILE * error),
       exp(b + QUANTILE * error), 2 * pnorm(-abs(b / error)), "none", fit, nrow(answers))
}

all_pairs <- function(fit, task, answers) {
  means <- suppressMessages(emmeans::emmeans(fit$model, ~column, data = answers))
  pairs <- emmeans::contrast(means, "revpairwise", adjust = "tukey")
  weights <- coef(pairs)
  name_at <- function(sign) vapply(weights[-1], function(w) as.character(weights$column[w == sign]), "")
  told <- as.data.frame(summary(pairs, infer = TRUE))
  line(task, "emmeans", name_at(1), name_at(-1), exp(told$estimate), exp(told$asymp.LCL), exp(told$asymp.UCL),
       told$p.value, "tukey", answers = nrow(answers))
}

of_task <- function(task, rows, reference) {
  nothing <- function(reason) line(task, NA, NA, reference, NA, NA, NA, NA, NA, answers = nrow(rows), reason = reason)
  reason <- impossible(rows, reference)
  if (!is.null(reason)) return(nothing(reason))
  rows$column <- relevel(factor(rows$column), reference)
  rows$participant <- factor(rows$participant)
  rows$item <- factor(rows$item)
  fit <- tryCatch(if (length(unique(rows$score)) == 2) logistic(rows) else cumulative(rows), error = identity)
  if (inherits(fit, "error")) return(nothing(paste("not estimable:", conditionMessage(fit))))
  found <- with_reference(fit, task, reference, rows)
  if (requireNamespace("emmeans", quietly = TRUE)) return(rbind(found, all_pairs(fit, task, rows)))
  message("mixed_models.R: emmeans is not installed, so all pairs are left out")
  found
}

answers <- read_answers(arguments[1])
reference <- arguments[2]
controls <- arguments[-(1:2)]
unknown <- setdiff(c(reference, controls), answers$column)
if (length(unknown)) {
  refuse("no answers in column ", unknown[1], "; there are ", paste(sort(unique(answers$column)), collapse = ", "))
}
answers <- answers[!answers$column %in% controls, ]
found <- lapply(sort(unique(answers$task)), function(task) of_task(task, answers[answers$task == task, ], reference))
write.csv(do.call(rbind, found), row.names = FALSE, na = "")
