"""A small program at the end of an exported C file, compiled with -DTHALWEG_MAIN: rows in, predictions out.

It reads the cells that `coercion` reads from a CSV file, and ends with status 2 at the first that is none of its
column. Left out: zones by their names (Europe/Berlin), weeks (2024-W05-3) and years before the first.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from thalweg.c_features import MISSING
from thalweg.c_words import LONGEST_NAME, string
from thalweg.coercion import TRUTH
from thalweg.exports import Input


# For each kind of input the function that reads its cell.
_READ = {"number": "@_number", "boolean": "@_truth", "text": "@_cell", "date": "@_moment", "presence": "@_present"}


def of_table(members: Sequence[tuple[str, Input]], printed: str) -> str:
    """Reads lines of CSV, whose cells stand in the order of the inputs, without a header."""
    kinds = {each.kind for _, each in members}
    names = ", ".join(string(each.column.replace("\0", " ")[:LONGEST_NAME]) for _, each in members)
    columns = f"static const char *const @_columns[{len(members)}] = {{{names}}};\n"
    needed = {_CELL: True, MISSING: "text" not in kinds} | {
        piece: bool(kinds & set(users.split())) for piece, users in _READERS.items()
    }
    cells = [f"input.{member} = {_READ[each.kind]}(&row);" for member, each in members]
    body = ["@_input input;", *cells, "@_end(&row);", "@_predict(&input, &output);"]
    # As in a file that Thalweg reads: where there is a single column, an empty line is a missing cell.
    skip = [] if len(members) == 1 else ["if (line[strspn(line, \"\\r\")] == '\\0')", "    continue;"]
    refuse = [columns, _ROW, _REFUSE.replace("PLACE", r"column \"%s\"").replace("COLUMN", "@_columns[row->read - 1]")]
    return _program(_TABLE, [*refuse, *(piece for piece in needed if needed[piece])], skip, body, printed)


def of_network(inputs: int, printed: str) -> str:
    """Reads lines of numbers parted by commas, one for each input."""
    body = [
        f"@real X[{inputs}];",
        f"for (size_t i = 0; i < {inputs}; i++)",
        "    X[i] = (@real)@_finite(&row, @_cell(&row));",
        "@_end(&row);",
        "@_predict(X, &output);",
    ]
    refuse = [_ROW, _REFUSE.replace("PLACE", "column %lu").replace("COLUMN", "row->read")]
    return _program(_ARRAY, [*refuse, _CELL, _PLAIN, _FINITE], [], body, printed)


def _program(about: str, functions: Sequence[str], skip: Sequence[str], body: Sequence[str], printed: str) -> str:
    declared = ["@_row row = {line, ++number, 0};", "@_output output;"]
    lines = textwrap.indent("\n".join([*skip, *declared, *body, printed, r"putchar('\n');"]), " " * 8)
    prints = [_PRINT] if "@_print(" in printed else []
    return "\n".join([_BEGIN + about, *functions, *prints, _MAIN.replace("BODY", lines)])


_BEGIN = """
#ifdef THALWEG_MAIN
#include <stdio.h>
#include <stdlib.h>

"""
_TABLE = """\
/* Lines of CSV on standard input, without a header, the cells in the order of @_input; a date is written 2020-01-31 or
   2020-01-31 10:30:00. A cell must not have a line break. A row that cannot be read ends the program with status 2. */
"""
_ARRAY = """\
/* Lines of numbers on standard input, parted by commas. A row that cannot be read ends the program with status 2. */
"""
_ROW = """\
typedef struct {
    char *rest; /* the cells to come; NULL where there are none */
    unsigned long number, read; /* of the row, from 1; cells read so far */
} @_row;

static void @_refuse_row(unsigned long number, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "row %lu %s\\n", number, what);
    exit(2);
}
"""
_REFUSE = """\
static void @_refuse(const @_row *row, const char *cell, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "row %lu, PLACE: \\"%.60s\\" is not %s; correct the cell\\n", row->number, COLUMN, cell, what);
    exit(2);
}
"""
_CELL = """\
/* The next cell, without quotes and the spaces around it. */
static char *@_cell(@_row *row)
{
    char *cell = row->rest, *from = cell, *to = cell;
    int is_quoted = 0;
    if (cell == NULL)
        @_refuse_row(row->number, "has too few cells");
    for (; *from != '\\0' && (is_quoted || *from != ','); from++) {
        if (*from == '"' && !(is_quoted && from[1] == '"'))
            is_quoted = !is_quoted;
        else if (*from == '"')
            *to++ = *from++;
        else
            *to++ = *from;
    }
    if (is_quoted)
        @_refuse_row(row->number, "has a quote that does not end on its line");
    row->rest = *from == ',' ? from + 1 : NULL;
    row->read++;
    while (to > cell && strchr(" \\t\\r", to[-1]) != NULL)
        to--;
    *to = '\\0';
    return cell + strspn(cell, " \\t\\r");
}

static void @_end(const @_row *row)
{
    if (row->rest != NULL)
        @_refuse_row(row->number, "has too many cells");
}
"""
_PLAIN = """\
/* The number that a cell is, or NaN. (strtod by itself also reads nan, inf and 0x10.) */
static double @_plain(const char *cell)
{
    char *end;
    const double number = strtod(cell, &end);
    const int is_whole = *cell != '\\0' && *end == '\\0' && cell[strspn(cell, "0123456789+-.eE")] == '\\0';
    return is_whole ? number : NAN;
}
"""
_FINITE = """\
static double @_finite(const @_row *row, const char *cell)
{
    const double number = @_plain(cell);
    if (!isfinite(number))
        @_refuse(row, cell, "a finite number");
    return number;
}
"""
_WORD = """\
/* Whether a cell is a word of small letters, in whatever letters. */
static int @_is_word(const char *cell, const char *word)
{
    for (; *word != '\\0' && (*cell | 32) == *word; word++)
        cell++;
    return *word == '\\0' && *cell == '\\0';
}
"""
_TIME = """\
/* A whole number of so many digits at a place, which moves behind it; -1 where there is none. */
static int @_digits(const char **at, int least, int most)
{
    int value = 0, n = 0;
    for (; n < most && **at >= '0' && **at <= '9'; n++)
        value = 10 * value + (*(*at)++ - '0');
    return n < least ? -1 : value;
}

/* Whether one of the signs is at a place, which moves behind it. */
static int @_sign(const char **at, const char *signs)
{
    const int is_there = **at != '\\0' && strchr(signs, **at) != NULL;
    *at += is_there;
    return is_there;
}

/* Hours, minutes and seconds, such as 10:30 and 10:30:15.5, and whether they are there. */
static int @_time(const char **at, int least, double *parts)
{
    double unit = 1;
    parts[0] = @_digits(at, 1, 2);
    parts[1] = @_sign(at, ":") ? @_digits(at, least, 2) : 0;
    parts[2] = @_sign(at, ":") ? @_digits(at, least, 2) : 0;
    const int is_there = parts[0] >= 0 && parts[1] >= 0 && parts[2] >= 0;
    if (@_sign(at, ".,"))
        for (; **at >= '0' && **at <= '9'; ++*at)
            parts[2] += (**at - '0') * (unit /= 10);
    return is_there;
}
"""
_NUMBER = """\
/* A number, a time of day in seconds, or 1 for true and 0 for false. */
static double @_number(@_row *row)
{
    const char *cell = @_cell(row), *at = cell;
    double parts[3];
    if (@_is_missing(cell) || @_is_word(cell, "nan"))
        return NAN;
    if (@_is_word(cell, "true") || @_is_word(cell, "false"))
        return @_is_word(cell, "true");
    if (strchr(cell, ':') != NULL && @_time(&at, 2, parts) && *at == '\\0')
        return parts[0] * 3600 + parts[1] * 60 + parts[2];
    return @_finite(row, cell);
}
"""
_WORDS = [sorted(word for word, truth in TRUTH.items() if truth is each and word.isalpha()) for each in (False, True)]
_TRUTH = f"""\
static double @_truth(@_row *row)
{{
    static const char *const words[2][{len(_WORDS[0])}] = {{
        {{{", ".join(map(string, _WORDS[0]))}}},
        {{{", ".join(map(string, _WORDS[1]))}}},
    }};
    const char *cell = @_cell(row);
    if (@_is_missing(cell))
        return NAN;
    for (int truth = 0; truth < 2; truth++)
        for (int i = 0; i < {len(_WORDS[0])}; i++)
            if (@_plain(cell) == truth || @_is_word(cell, words[truth][i]))
                return truth;
    @_refuse(row, cell, "true or false");
    return NAN;
}}
"""
_MOMENT = """\
/* Seconds east of UTC, such as Z, +02 and +02:00; none are 0. Whether it is one. */
static int @_zone(const char **at, double *seconds)
{
    *at += strspn(*at, " ");
    if (strcmp(*at, "Z") == 0 || strcmp(*at, "UTC") == 0 || strcmp(*at, "GMT") == 0)
        *at += strlen(*at);
    const double direction = **at == '-' ? -1 : 1;
    if (@_sign(at, "+-")) {
        int unit = 3600;
        do {
            const int part = @_digits(at, 2, 2);
            if (part < 0 || part > 59)
                return 0;
            *seconds += direction * unit * part;
            unit /= 60;
        } while (unit > 0 && (@_sign(at, ":") || **at != '\\0'));
    }
    return **at == '\\0';
}

static int64_t @_moment(@_row *row)
{
    const char *cell = @_cell(row), *at = cell;
    double parts[3] = {0, 0, 0}, zone = 0;
    if (@_is_missing(cell))
        return INT64_MIN;
    const int year = @_digits(&at, 4, 4);
    const int month = @_sign(&at, "-/") ? @_digits(&at, 1, 2) : -1;
    const int day = @_sign(&at, "-/") ? @_digits(&at, 1, 2) : -1;
    int is_date = year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
    if (@_sign(&at, " Tt")) {
        at += strspn(at, " ");
        is_date = is_date && @_time(&at, 1, parts) && @_zone(&at, &zone);
    }
    const double seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    const int64_t date = is_date ? @_date(year, month, day, 0, 0, 0) : INT64_MIN;
    /* 30 February would come back as a day of March. */
    if (*at != '\\0' || @_parts_of(date).day != day || parts[1] >= 60 || parts[2] >= 60 || seconds > 86400)
        @_refuse(row, cell, "an ISO date");
    return date + (int64_t)floor((seconds - zone) * 1e6 + 0.5);
}
"""
_PRESENT = """\
static double @_present(@_row *row)
{
    return @_is_missing(@_cell(row)) ? NAN : 1;
}
"""
# Each with the kinds of input that need it, in the order in which they need each other.
_READERS = {
    _PLAIN: "number boolean", _FINITE: "number", _WORD: "number boolean", _TIME: "number date", _NUMBER: "number",
    _TRUTH: "boolean", _MOMENT: "date", _PRESENT: "presence",
}  # fmt: skip
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
    unsigned long number = 0;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strchr(line, '\\n') == NULL && !feof(stdin))
            @_refuse_row(number + 1, "is too long, or has a zero byte");
        line[strcspn(line, "\\n")] = '\\0';
BODY
    }
    return 0;
}
#endif
"""
