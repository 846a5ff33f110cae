"""Names of functions that Athena's engine has. Source: Trino's documentation, "List of functions and operators"."""

ATHENA_FUNCTIONS = frozenset(
    """
    abs all_match any_match any_value approx_distinct approx_percentile arbitrary array_agg array_distinct
    array_except array_intersect array_join array_max array_min array_position array_remove array_sort array_union
    arrays_overlap at_timezone avg bit_count bitwise_and bitwise_or bitwise_xor bool_and bool_or cardinality cast cbrt
    ceil ceiling char2hexint checksum chr coalesce codepoint combinations concat concat_ws contains contains_sequence
    corr count count_if covar_pop covar_samp crc32 cube cume_dist current_date current_time current_timestamp date
    date_add date_diff date_format date_parse date_trunc day day_of_month day_of_week day_of_year degrees dense_rank
    dow doy element_at every exists exp extract filter first_value flatten floor format format_datetime format_number
    from_base from_base64 from_hex from_iso8601_date from_iso8601_timestamp from_iso8601_timestamp_nanos
    from_unixtime from_unixtime_nanos from_utf8 geometric_mean greatest grouping hamming_distance histogram hour
    human_readable_seconds if in infinity is_finite is_infinite is_json_scalar is_nan json_array_contains
    json_array_get json_array_length json_exists json_extract json_extract_scalar json_format json_parse json_query
    json_size json_value lag last_day_of_month last_value lead least length levenshtein_distance listagg ln localtime
    localtimestamp log log10 log2 lower lpad ltrim map map_agg map_concat map_entries map_filter map_from_entries
    map_keys map_union map_values map_zip_with max max_by md5 millisecond min min_by minute mod month
    multimap_agg nan ngrams none_match normalize now nth_value ntile nullif numeric_histogram
    parse_datetime parse_duration percent_rank pi position pow power quarter radians rand random rank
    reduce reduce_agg regexp_count regexp_extract regexp_extract_all regexp_like regexp_position regexp_replace
    regexp_split repeat replace reverse rollup round row row_number rpad rtrim second sequence sets sha1 sha256 sha512
    shuffle sign slice soundex split split_part split_to_map split_to_multimap sqrt starts_with stddev stddev_pop
    stddev_samp strpos substr substring sum timezone_hour timezone_minute to_base to_base64 to_hex to_iso8601
    to_milliseconds to_unixtime to_utf8 transform transform_keys transform_values translate trim truncate try try_cast
    typeof unnest upper url_decode url_encode url_extract_fragment url_extract_host url_extract_parameter
    url_extract_path url_extract_port url_extract_protocol url_extract_query uuid values variance var_pop var_samp
    version week week_of_year width_bucket with_timezone word_stem xxhash64 year year_of_week yow zip zip_with
    """.split()
)

# What may stand before an opening bracket without being a function.
WORDS_BEFORE_BRACKETS = frozenset(
    """
    all and any array as asc between by cast case char cross decimal desc distinct else end escape except filter
    first from full group having in inner insert intersect interval is join lateral left like limit not null nulls
    offset on or order outer over partition range right rows select some table then to union unload using varchar
    varbinary when where with within grouping ordinality time timestamp precision
    """.split()
)

# The functions that the engine of the fake runs: those whose results in DuckDB, with engine.py's corrections, were
# compared with Trino's documentation. A query with another one fails with FAKE_LIMIT instead of with a wrong result.
COMPARED_FUNCTIONS = frozenset(
    """
    abs any_value approx_distinct arbitrary array_agg array_join avg bool_and bool_or cardinality cast ceil ceiling
    coalesce concat count count_if cube current_date current_timestamp date date_add date_diff date_format date_parse
    date_trunc day dense_rank element_at every exists filter first_value floor from_iso8601_timestamp
    greatest grouping hour if json_array_length json_extract json_extract_scalar json_format json_parse lag
    last_value lead least length listagg lower lpad ltrim map max max_by md5 min min_by minute mod month now nullif rank
    regexp_extract regexp_like regexp_replace replace reverse rollup round row row_number rpad rtrim second sequence
    sets sha256 split split_part starts_with strpos substr substring sum to_hex to_utf8 transform trim try try_cast
    unnest upper values year
    """.split()
)
