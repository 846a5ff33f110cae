"""Refuses what Athena refuses although DuckDB or sqlglot would take it.

Usage: lint.py < statement.sql        exit code 1 and the reason if Athena would refuse the statement
       lint.py --parse < statements   the same by sqlglot's parsers of the dialects athena and trino alone

Statements are separated by a NUL byte. Without tables nothing is known of columns: the types of literals and of
functions are judged alone. The fake server calls `check` with the tables of its catalog.
"""

import pathlib
import re
import sys

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    from functions import ATHENA_FUNCTIONS, WORDS_BEFORE_BRACKETS
else:
    from .functions import ATHENA_FUNCTIONS, WORDS_BEFORE_BRACKETS

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema
from sqlglot.tokens import TokenType


class Malformed(Exception):
    """The statement is no SQL of Athena; the message begins with the place."""


class Refused(Exception):
    """The statement is SQL that Athena's engine refuses; the message begins with an error code and the place."""


UNKNOWN_TO_TRINO = {
    TokenType.DCOLON: "::",
    TokenType.ILIKE: "ILIKE",
    TokenType.QUALIFY: "QUALIFY",
    TokenType.DARROW: "->>",
    TokenType.RLIKE: "RLIKE",
    TokenType.GLOB: "GLOB",
    TokenType.DIV: "DIV",
}
NOT_RESOLVED = "cannot be resolved or requester is not authorized to access requested resources"
BEFORE_BRACKETS = ATHENA_FUNCTIONS | WORDS_BEFORE_BRACKETS
NUMBERS = exp.DataType.NUMERIC_TYPES
WHOLE_NUMBERS = exp.DataType.INTEGER_TYPES
TEXTS = exp.DataType.TEXT_TYPES
TIMES = exp.DataType.TEMPORAL_TYPES
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
OF_TEXT = (
    exp.Lower,
    exp.Upper,
    exp.Trim,
    exp.Like,
    exp.RegexpLike,
    exp.RegexpExtract,
    exp.RegexpReplace,
    exp.StrPosition,
    exp.Substring,
    exp.Split,
    exp.SplitPart,
    exp.StartsWith,
    exp.DPipe,
)


def place_at(sql, offset):
    """`line 1:8`, as Trino writes the place of a character."""
    before = sql[: max(offset, 0)]
    return f"line {before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def place_of(sql, node):
    """The place where a node begins."""
    starts = [part.meta["start"] for part in node.walk() if "start" in part.meta]
    return place_at(sql, min(starts)) if starts else "line 1:1"


def parse(sql):
    """The tree of one query; raises Malformed."""
    try:
        tokens = sqlglot.tokenize(sql, read="trino")
        if tokens and tokens[-1].token_type == TokenType.SEMICOLON:
            tokens.pop()
        _check_tokens(sql, tokens)
        trees = [sqlglot.parse_one(sql, read=dialect) for dialect in ("trino", "athena")]
    except SqlglotError as error:
        found = re.search(r"Line (\d+), Col: (\d+)", str(error))
        place = f"line {found[1]}:{found[2]}" if found else "line 1:1"
        raise Malformed(f"{place}: mismatched input: {str(error).splitlines()[0]}") from error
    if not isinstance(trees[1], exp.Query):
        raise Malformed(f"line 1:1: Queries of this type are not supported: {trees[1].key}")
    for group in trees[1].find_all(exp.Group):
        if not any(group.args.values()):
            raise Malformed("line 1:1: mismatched input after GROUP BY. Expecting: <expression>")
    return trees[1]


def _check_tokens(sql, tokens):
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        source = sql[token.start : token.end + 1]
        wrong = None
        if token.token_type == TokenType.SEMICOLON:
            wrong = "Only one sql statement is allowed"
        elif token.token_type in UNKNOWN_TO_TRINO:
            wrong = f"mismatched input '{UNKNOWN_TO_TRINO[token.token_type]}'"
        # Before a string it is an operator on JSON, otherwise a lambda.
        elif token.token_type == TokenType.ARROW and following and following.token_type == TokenType.STRING:
            wrong = "mismatched input '->'"
        elif source.startswith("`"):
            wrong = "backquoted identifiers are not supported; use double quotes"
        elif source == "==":
            wrong = "mismatched input '='"
        elif token.token_type in (TokenType.GROUP_BY, TokenType.ORDER_BY) and following:
            wrong = "mismatched input 'ALL'" if following.token_type == TokenType.ALL else None
        if wrong:
            raise Malformed(f"{place_at(sql, token.start)}: {wrong}")
        if token.token_type == TokenType.OFFSET and at > 1 and tokens[at - 2].token_type == TokenType.LIMIT:
            raise Malformed(f"{place_at(sql, token.start)}: mismatched input 'OFFSET': it stands before LIMIT")
        name = source.lower()
        if not (following and following.text == "(" and following.token_type == TokenType.L_PAREN):
            continue
        if re.fullmatch(r"[a-z_]\w*", name) and name not in BEFORE_BRACKETS:
            previous = tokens[at - 1].text.lower() if at else ""
            # Names of tables with columns: `WITH x (a, b) AS …`, `UNNEST(y) AS x (a)`, `UNNEST(y) x (a)`.
            if previous not in ("with", "as", ")", "recursive") and not (previous == "," and _opens_cte(tokens, at)):
                place = place_at(sql, token.start)
                raise Refused(f"FUNCTION_NOT_FOUND: {place}: Function '{name}' not registered")


def functions(sql):
    """The names of functions that a query calls, and words that stand before brackets."""
    tokens = sqlglot.tokenize(sql, read="trino")
    pairs = zip(tokens, tokens[1:])
    return {token.text.lower() for token, following in pairs if following.token_type == TokenType.L_PAREN}


def _opens_cte(tokens, at):
    """Whether `name (…) AS (` begins at a token."""
    depth = 0
    for position in range(at + 1, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[position].text, 0)
        if depth == 0:
            rest = [token.text.lower() for token in tokens[position + 1 : position + 3]]
            return rest == ["as", "("]
    return False


def check(sql, tree, schema=None, visible=None):
    """Raises Refused; returns the tree with the tables of all columns named, and with types.

    `schema` maps the names of tables in the tree to types by column. Without it, the tree is returned as it is.
    """
    _check_shapes(sql, tree)
    if schema is None:
        _check_aliases(sql, tree)
        typed = annotate_types(tree.copy(), dialect="athena")
        _check_types(sql, typed)
        return tree
    known = MappingSchema(schema, visible=visible, dialect="athena", normalize=False)
    try:
        named = qualify(
            tree.copy(), schema=known, dialect="athena", quote_identifiers=False, expand_alias_refs=False
        )
        typed = annotate_types(named, schema=known, dialect="athena")
    except OptimizeError as error:
        raise _not_found(sql, tree, str(error)) from error
    for having in typed.find_all(exp.Having):
        alias = next((column for column in having.find_all(exp.Column) if not column.table), None)
        if alias:
            raise _not_found(sql, tree, f"Column '{alias.name}' could not be resolved")
    _check_types(sql, typed)
    return typed


def _not_found(sql, tree, message):
    found = re.search(r"[Cc]olumn '\"?([^'\"]+)\"?' could not be resolved", message)
    if not found:
        ambiguous = re.search(r"Column '?\"?(\w+)\"?'? .*ambiguous|Ambiguous column.*?'?(\w+)'?", message, re.I)
        code = "AMBIGUOUS_NAME" if ambiguous else "SYNTAX_ERROR"
        return Refused(f"{code}: line 1:1: {message.splitlines()[0]}")
    name = found[1]
    columns = tree.find_all(exp.Column)
    nodes = [column for column in columns if name.lower() in (part.name.lower() for part in column.parts)]
    place = place_of(sql, nodes[-1]) if nodes else "line 1:1"
    return Refused(f"COLUMN_NOT_FOUND: {place}: Column '{name}' {NOT_RESOLVED}")


def _check_aliases(sql, tree):
    """Refuses aliases in GROUP BY, for who does not know the columns: `check` finds them by these."""
    for select in tree.find_all(exp.Select):
        aliases = {item.alias.lower(): item.this for item in select.expressions if isinstance(item, exp.Alias)}
        inner = {name.lower() for source in _subqueries(select) for name in source.named_selects}
        group = select.args.get("group")
        for item in group.expressions if group else []:
            name = item.name.lower() if isinstance(item, exp.Column) and not item.table else None
            if name not in aliases or name in inner:
                continue
            used = {column.name.lower() for column in aliases[name].find_all(exp.Column)}
            if name not in used:
                raise Refused(
                    f"COLUMN_NOT_FOUND: {place_of(sql, item)}: Column '{item.name}' cannot be resolved: GROUP BY does "
                    "not take aliases of the select list"
                )


def _subqueries(select):
    from_ = select.args.get("from_")
    sources = [join.this for join in select.args.get("joins") or []] + ([from_.this] if from_ else [])
    return [source.this for source in sources if isinstance(source, exp.Subquery)]


def _check_shapes(sql, tree):
    for bracket in tree.find_all(exp.Bracket):
        if not bracket.args.get("safe"):
            place = place_of(sql, bracket)
            raise Refused(
                f"INVALID_FUNCTION_ARGUMENT: {place}: a subscript fails where the key or the element is absent: "
                "use element_at"
            )
    for call in tree.find_all(exp.SplitPart):
        if isinstance(call.args.get("part_index"), exp.Neg) or call.args["part_index"].name == "0":
            raise Refused(f"INVALID_FUNCTION_ARGUMENT: {place_of(sql, call)}: Index must be greater than zero")
    for call in tree.find_all(exp.Substring):
        if call.args.get("start") is not None and call.args["start"].name == "0":
            raise Refused(f"INVALID_FUNCTION_ARGUMENT: {place_of(sql, call)}: the first character is number 1")


def _family(node):
    kind = node.type
    if kind is None or kind.this in (exp.DType.UNKNOWN, exp.DType.NULL) or isinstance(node, exp.Null):
        return None
    for name, kinds in (("varchar", TEXTS), ("number", NUMBERS), ("time", TIMES)):
        if kind.this in kinds:
            return name
    return kind.this.value.lower()


def _check_types(sql, tree):
    def refuse(node, code, what):
        raise Refused(f"{code}: {place_of(sql, node)}: {what}")

    def same(node, parts, what):
        families = {family for part in parts if part is not None and (family := _family(part))}
        if len(families) > 1:
            refuse(node, "TYPE_MISMATCH", f"{what}: {' and '.join(sorted(families))}")

    def must_be(node, parts, family, what):
        for part in parts:
            if part is not None and _family(part) not in (None, family):
                refuse(node, "TYPE_MISMATCH", f"{what} must be {family}, not {_family(part)}")

    for node in tree.walk():
        if isinstance(node, exp.Dot):
            kind = node.this.type
            fields = [part.name.lower() for part in kind.expressions] if kind else []
            if kind and kind.this == exp.DType.STRUCT and fields and node.expression.name.lower() not in fields:
                name = node.sql("athena").partition(".")[2]
                refuse(node, "COLUMN_NOT_FOUND", f"Column '{name}' {NOT_RESOLVED}")
            if kind and _family(node.this) in ("varchar", "number", "boolean", "array", "map"):
                refuse(node, "TYPE_MISMATCH", f"{node.this.sql('athena')} is not a row: {_family(node.this)}")
        elif isinstance(node, COMPARISONS):
            same(node, [node.left, node.right], "Cannot apply operator")
        elif isinstance(node, exp.In):
            same(node, [node.this, *node.expressions], "IN value and list items must be the same type")
        elif isinstance(node, exp.Between):
            same(node, [node.this, node.args["low"], node.args["high"]], "Cannot check if one BETWEEN others")
        elif isinstance(node, exp.Coalesce):
            same(node, [node.this, *node.expressions], "All COALESCE operands must be the same type")
        elif isinstance(node, exp.Case):
            results = [branch.args["true"] for branch in node.args["ifs"]] + [node.args.get("default")]
            same(node, results, "All CASE results must be the same type")
            tests = [branch.this for branch in node.args["ifs"]]
            if node.this is None:
                must_be(node, tests, "boolean", "CASE WHEN clause")
            else:
                same(node, [node.this, *tests], "CASE operand and WHEN clause must be the same type")
        elif isinstance(node, exp.If) and not isinstance(node.parent, exp.Case):
            must_be(node, [node.this], "boolean", "IF condition")
            same(node, [node.args["true"], node.args.get("false")], "Result types for IF must be the same")
        elif isinstance(node, (exp.And, exp.Or)):
            must_be(node, [node.left, node.right], "boolean", "Logical expression term")
        elif isinstance(node, (exp.Not, exp.Where, exp.Having)):
            must_be(node, [node.this], "boolean", f"{node.key.upper()} clause")
        elif isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)):
            families = [_family(node.left), _family(node.right)]
            if any(family not in (None, "number", "time", "interval") for family in families):
                refuse(node, "TYPE_MISMATCH", f"Cannot apply operator {node.key}: {families[0]}, {families[1]}")
            if isinstance(node, exp.Div) and all(
                part.type is not None and part.type.this in WHOLE_NUMBERS for part in (node.left, node.right)
            ):
                what = "the quotient of two integers is an integer in Athena: cast one of them"
                refuse(node, "INTEGER_DIVISION", what)
        elif isinstance(node, OF_TEXT):
            parts = [node.this, node.args.get("expression")]
            for part in parts:
                if isinstance(part, exp.Expr) and _family(part) not in (None, "varchar", "array", "binary"):
                    refuse(node, "TYPE_MISMATCH", f"Unexpected parameters ({_family(part)}) for function {node.key}")
        elif isinstance(node, exp.Cast):
            if _family(node.this) in ("struct", "array", "map") and node.to.this in TEXTS:
                refuse(node, "TYPE_MISMATCH", f"Cannot cast {_family(node.this)} to varchar")


def main():
    failed = False
    for sql in sys.stdin.read().split("\0"):
        if not sql.strip():
            continue
        try:
            tree = parse(sql)
            if "--parse" not in sys.argv[1:]:
                check(sql, tree)
        except (Malformed, Refused) as error:
            print(error, file=sys.stderr)
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
