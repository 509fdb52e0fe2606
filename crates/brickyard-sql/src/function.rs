//! Built-in functions.

/// Names of the built-in functions, one a line, with what they give.
const TABLE: &str = include_str!("function/table.txt");

/// Whether `name` (any case) is a function of Databricks SQL itself.
pub fn is_builtin(name: &str) -> bool {
    let lower = name.to_lowercase();
    rule(&lower).is_some()
}

/// Names of the built-in functions, sorted.
pub fn builtins() -> impl Iterator<Item = &'static str> {
    let names = TABLE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let mut names: Vec<&str> = names.map(|line| line.split(' ').next().unwrap_or(line)).collect();
    names.sort_unstable();
    names.into_iter()
}

/// The rule that gives the type of a built-in function; see `function/table.txt`.
pub(crate) fn rule(name: &str) -> Option<&'static str> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    static RULES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
        TABLE
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .map(|line| line.split_once(' ').unwrap_or((line, "?")))
            .map(|(name, rule)| (name, rule.trim()))
            .collect()
    });
    RULES.get(name).copied()
}

/// The functions that take the rows of a group.
const AGGREGATES: &str = " any any_value approx_count_distinct approx_percentile approx_top_k array_agg avg bit_and bit_or bit_xor \
bitmap_construct_agg bitmap_or_agg bool_and bool_or collect_list collect_set corr count count_if count_min_sketch covar_pop \
covar_samp every first first_value grouping grouping_id histogram_numeric hll_sketch_agg hll_union_agg kurtosis last last_value \
listagg max max_by mean median min min_by mode percentile percentile_approx percentile_cont percentile_disc regr_avgx regr_avgy \
regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy skewness some std stddev stddev_pop stddev_samp \
string_agg sum try_avg try_sum var_pop var_samp variance ";

/// Whether a built-in function (lower case) is an aggregate.
pub(crate) fn is_aggregate(name: &str) -> bool {
    !name.is_empty() && AGGREGATES.contains(&format!(" {name} "))
}
