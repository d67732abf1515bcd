"""A small program at the end of an exported C file, compiled with -DTHALWEG_MAIN: rows in, predictions out."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from thalweg.exports import Input


# For each kind of input the function that reads its cell.
_READ = {"number": "@_number", "text": "@_cell", "date": "@_moment", "presence": "@_present"}


def of_table(members: Sequence[tuple[str, Input]], printed: str) -> str:
    """Reads lines of CSV, whose cells stand in the order of the inputs, without a header."""
    kinds = {each.kind for _, each in members}
    readers = [piece for kind, piece in _READERS.items() if kind in kinds]
    cells = [f"input.{member} = {_READ[each.kind]}(&rest);" for member, each in members]
    body = ["@_input input;", "char *rest = line;", *cells, "@_predict(&input, &output);"]
    return _program(_TABLE, [_CELL, *readers], body, printed)


def of_network(inputs: int, printed: str) -> str:
    """Reads lines of numbers parted by commas, one for each input."""
    body = [
        f"@real X[{inputs}];",
        "char *rest = line;",
        f"for (size_t i = 0; i < {inputs}; i++)",
        "    X[i] = (@real)@_number(&rest);",
        "@_predict(X, &output);",
    ]
    return _program(_ARRAY, [_CELL, _NUMBER], body, printed)


def _program(about: str, functions: Sequence[str], body: Sequence[str], printed: str) -> str:
    lines = textwrap.indent("\n".join([*body, printed, r"putchar('\n');"]), " " * 8)
    prints = [_PRINT] if "@_print(" in printed else []
    return "\n".join([_BEGIN + about, *functions, *prints, _MAIN.replace("BODY", lines)])


_BEGIN = """
#ifdef THALWEG_MAIN
#include <stdio.h>
#include <stdlib.h>

"""
_TABLE = """\
/* Lines of CSV on standard input, without a header, the cells in the order of @_input; a date is written 2020-01-31 or
   2020-01-31 10:30:00. A cell must not have a line break. */
"""
_ARRAY = "/* Lines of numbers on standard input, parted by commas. */\n"
_CELL = """\
static char *@_cell(char **rest)
{
    char *cell = *rest, *from = *rest, *to = *rest;
    int is_quoted = 0;
    for (; *from != '\\0' && *from != '\\n' && *from != '\\r' && (is_quoted || *from != ','); from++) {
        if (*from == '"' && !(is_quoted && from[1] == '"'))
            is_quoted = !is_quoted;
        else if (*from == '"')
            *to++ = *from++;
        else
            *to++ = *from;
    }
    *rest = *from == ',' ? from + 1 : from;
    *to = '\\0';
    return cell;
}
"""
_NUMBER = """\
static double @_number(char **rest)
{
    char *end;
    const char *cell = @_cell(rest);
    const double number = strtod(cell, &end);
    if (strcmp(cell, "true") == 0 || strcmp(cell, "false") == 0)
        return strcmp(cell, "true") == 0;
    return end == cell ? NAN : number;
}
"""
_MOMENT = """\
static int64_t @_moment(char **rest)
{
    int year, month, day, hour = 0, minute = 0;
    double second = 0;
    if (sscanf(@_cell(rest), "%d-%d-%d%*[ T]%d:%d:%lf", &year, &month, &day, &hour, &minute, &second) < 3)
        return INT64_MIN;
    return @_date(year, month, day, hour, minute, second);
}
"""
_PRESENT = """\
static double @_present(char **rest)
{
    return *@_cell(rest) == '\\0' ? NAN : 1;
}
"""
_READERS = {"number": _NUMBER, "date": _MOMENT, "presence": _PRESENT}
_PRINT = """\
static void @_print(const char *text)
{
    if (strpbrk(text, ",\\"\\r\\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}
"""
_MAIN = """\
int main(void)
{
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin) != NULL) {
        @_output output;
BODY
    }
    return 0;
}
#endif
"""
