"""Which partitions a table has: those of the catalog, or those that partition projection makes.

Source: Amazon Athena User Guide, "Use partition projection with Amazon Athena".
"""

import calendar
import datetime
import itertools
import re

from .failures import QueryFailed

MOST_PARTITIONS = 1_000_000

# Letters of Java's DateTimeFormatter, as Python's strftime and strptime write them.
JAVA_LETTERS = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
}


def _invalid(key, what):
    return QueryFailed(f"INVALID_TABLE_PROPERTY: Invalid partition projection of column {key}: {what}")


def _python_format(key, pattern):
    out = ""
    for part in re.finditer(r"'([^']*)'|(([A-Za-z])\3*)|([^A-Za-z'])", pattern):
        if part[2]:
            if part[2] not in JAVA_LETTERS:
                raise _invalid(key, f"this fake does not know {part[2]!r} of the format {pattern!r}")
            out += JAVA_LETTERS[part[2]]
        else:
            out += (part[1] or part[4] or "'").replace("%", "%%")
    return out


def _moved(time, number, unit):
    unit = unit.upper().rstrip("S")
    if unit in ("YEAR", "MONTH"):
        months = time.year * 12 + time.month - 1 + number * (12 if unit == "YEAR" else 1)
        year, month = divmod(months, 12)
        day = min(time.day, calendar.monthrange(year, month + 1)[1])
        return time.replace(year=year, month=month + 1, day=day)
    names = {"WEEK": "weeks", "DAY": "days", "HOUR": "hours", "MINUTE": "minutes", "SECOND": "seconds"}
    if unit not in names:
        raise QueryFailed(f"INVALID_TABLE_PROPERTY: Unknown interval unit {unit}")
    return time + datetime.timedelta(**{names[unit]: number})


def _dates(key, option, now):
    form = option("format")
    if not form or not option("range"):
        raise _invalid(key, "a date needs a format and a range")
    python = _python_format(key, form)
    # Values have the precision of the format.
    cut = lambda time: datetime.datetime.strptime(time.strftime(python), python)

    def bound(text):
        moved = re.fullmatch(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+))?", text.strip(), re.I)
        if moved:
            number = int(moved[2] or 0) * (-1 if moved[1] == "-" else 1)
            return cut(_moved(now, number, moved[3] or "DAYS"))
        try:
            return datetime.datetime.strptime(text.strip(), python)
        except ValueError as error:
            raise _invalid(key, f"{text!r} has not the format {form!r}") from error

    range_ = option("range").split(",")
    if len(range_) != 2:
        raise _invalid(key, f"the range {option('range')!r} has not two bounds")
    first, last = map(bound, range_)
    by_precision = [("ss", "SECONDS"), ("mm", "MINUTES"), ("HH", "HOURS"), ("dd", "DAYS"), ("MM", "MONTHS")]
    finest = next((unit for letters, unit in by_precision if letters in form), "YEARS")
    unit = option("interval.unit")
    if not unit:
        if finest not in ("DAYS", "MONTHS"):
            raise _invalid(key, "a format finer than days needs interval and interval.unit")
        unit = finest
    values, number = [], 0
    while (time := _moved(first, number, unit)) <= last:
        values.append(time.strftime(python))
        number += int(option("interval") or 1)
    return values


def _integers(key, option):
    try:
        low, high = map(int, option("range").split(","))
        step, digits = int(option("interval") or 1), int(option("digits") or 0)
    except (AttributeError, ValueError) as error:
        raise _invalid(key, "an integer needs a range of two numbers") from error
    return [str(value).zfill(digits) for value in range(low, high + 1, step)]


def projected_values(table, key, now, injected):
    """All values of a key by its projection, as text.

    `injected` are the values that the query's static conditions name for the key, or None if it has none.
    """
    parameters = {name.lower(): value for name, value in table["Parameters"].items()}
    option = lambda name: parameters.get(f"projection.{key}.{name}")
    kind = (option("type") or "").lower()
    if kind == "enum":
        return [value.strip() for value in (option("values") or "").split(",")]
    if kind == "date":
        return _dates(key, option, now)
    if kind == "integer":
        return _integers(key, option)
    if kind == "injected":
        if injected is None:
            raise QueryFailed(
                f"CONSTRAINT_VIOLATION: For the injected projected partition column {key}, the WHERE clause must "
                "contain only static equality conditions, and at least one such condition must be present."
            )
        return injected
    raise _invalid(key, f"the projection type {kind!r} is unknown")


def is_projected(table):
    values = {name.lower(): value.lower() for name, value in table["Parameters"].items()}
    return values.get("projection.enabled") == "true"


def select(table, manual, now, injected, accepts):
    """The partitions that a query reads: pairs of values by key, and a location that ends in `/`.

    `manual` are the partitions of the catalog in the same form; `accepts(keys, rows)` says which rows of values of
    these keys the query's conditions admit.
    """
    keys = [key["Name"] for key in table["PartitionKeys"]]
    location = table["StorageDescriptor"]["Location"].rstrip("/") + "/"
    if not keys:
        return [({}, location)]
    if not is_projected(table):
        rows = [tuple(values[key] for key in keys) for values, _ in manual]
        kept = set(accepts(keys, rows))
        return [(values, place.rstrip("/") + "/") for (values, place), row in zip(manual, rows) if row in kept]
    columns = []
    for key in keys:
        values = projected_values(table, key, now, injected(key))
        columns.append([row[0] for row in accepts([key], [(value,) for value in values])])
    number = 1
    for values in columns:
        number *= len(values)
    if number > MOST_PARTITIONS:
        raise QueryFailed(f"HIVE_EXCEEDED_PARTITION_LIMIT: the query selects {number} partitions")
    template = table["Parameters"].get("storage.location.template")
    found = []
    for row in accepts(keys, list(itertools.product(*columns))):
        values = dict(zip(keys, row))
        if template:
            place = re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1].lower(), name[0]), template)
        else:
            place = location + "/".join(f"{key}={value}" for key, value in values.items())
        found.append((values, place.rstrip("/") + "/"))
    return found
