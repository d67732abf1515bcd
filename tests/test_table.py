"""Reading tables: every source, every dialect, the words for missing, the order of rows, and each refusal."""

import datetime
import gzip
import os
from pathlib import Path

import duckdb
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from thalweg import table as table_module
from thalweg.cells import MISSING_WORDS, Kind, clean_sql
from thalweg.errors import TableError, ThalwegWarning
from thalweg.sources import open_source
from thalweg.table import Column, Table, batches, read


def cells(column: Column) -> list:
    """The cells as Python values, None where missing."""
    return [None if gone else cell for cell, gone in zip(column.values.tolist(), column.missing, strict=True)]


def content(table: Table) -> dict[str, list]:
    return {column.name: cells(column) for column in table.columns}


def written(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def refusal(source) -> str:
    """The sentence with which a source is refused: one line that ends like a sentence."""
    with pytest.raises(TableError) as caught:
        read(source)
    message = str(caught.value)
    assert "\n" not in message and message.endswith((".", "?"))
    return message


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("a,b\n1.5,x\n-2,y z\n", id="plain"),
        pytest.param("a,b\r\n1.5,x\r\n-2,y z\r\n", id="windows"),
        pytest.param("a,b\r1.5,x\r-2,y z\r", id="old mac"),
        pytest.param("a,b\r\n1.5,x\n-2,y z\r\n", id="mixed line ends"),
        pytest.param("a,b\n1.5,x\n-2,y z", id="no last line end"),
        pytest.param("\ufeffa,b\n1.5,x\n-2,y z\n", id="byte order mark"),
        pytest.param("\n\na,b\n1.5,x\n\n-2,y z\n\n", id="blank lines"),
        pytest.param("a;b\n1,5;x\n-2;y z\n", id="semicolons and decimal comma"),
        pytest.param("a;b\n1.5;x\n-2;y z\n", id="semicolons"),
        pytest.param("a\tb\n1.5\tx\n-2\ty z\n", id="tabs"),
        pytest.param("a|b\n1.5|x\n-2|y z\n", id="bars"),
        pytest.param("a, b\n1.5, x\n -2 , y z \n", id="spaces"),
        pytest.param('"a","b"\n"1.5","x"\n"-2","y z"\n', id="quotes"),
        pytest.param("'a','b'\n'1.5','x'\n'-2','y z'\n", id="single quotes"),
        pytest.param("a,b\n1.5,x\n-2,y z\n".encode("utf-16"), id="UTF-16"),
    ],
)
def test_dialects(tmp_path, data):
    assert content(read(written(tmp_path, "t.csv", data))) == {"a": [1.5, -2.0], "b": ["x", "y z"]}


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(tmp_path):
    doubled = written(tmp_path, "doubled.csv", 'a,"b\nc"\n1,"x, ""y"""\n2,"u\nv"\n')
    assert content(read(doubled)) == {"a": [1, 2], "b\nc": ['x, "y"', "u\nv"]}
    escaped = written(tmp_path, "escaped.csv", 'a,b\n1,"x \\"y\\" z"\n2,"w"\n')
    assert content(read(escaped))["b"] == ['x "y" z', "w"]


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_name_may_hold_another_line_end_than_ends_the_lines(tmp_path, inside, end):
    rows = [f'"b{inside}c",a', '"u",1', f'"v{inside}w",2']
    found = read(written(tmp_path, "t.csv", end.join([*rows, ""])))
    assert content(found) == {f"b{inside}c": ["u", f"v{inside}w"], "a": [1, 2]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('"a,b",n\n"1,5",2\n"2,5",3\n', {"a,b": ["1,5", "2,5"], "n": [2, 3]}),
        ('"a;b","n"\n"u;v","1"\n"w;x","2"\n', {"a;b": ["u;v", "w;x"], "n": [1, 2]}),
        ('n,t\n"1",12" wide\n"2",it\'s\n', {"n": [1, 2], "t": ['12" wide', "it's"]}),
        ('n,t\n"1","a \'b\', \'c\'"\n"2","d, \'e\'"\n', {"n": [1, 2], "t": ["a 'b', 'c'", "d, 'e'"]}),
        ("n,t\n1,'x, y'\n2,'z'\n", {"n": [1, 2], "t": ["x, y", "z"]}),
        ("n,t\n'1', 'x, \"y\"'\n'2', 'it''s'\n", {"n": [1, 2], "t": ['x, "y"', "it's"]}),
        ("'n','t'\n'1','\"'\n'2','x'\n", {"n": [1, 2], "t": ['"', "x"]}),
    ],
    ids=["commas", "semicolons", "stray double", "single inside double", "single", "double inside single", "names"],
)
def test_the_quote_is_the_one_that_encloses_cells(tmp_path, data, expected):
    assert content(read(written(tmp_path, "t.csv", data))) == expected


def test_a_stray_double_quote_is_named_and_makes_no_text_of_numbers(tmp_path):
    source = written(tmp_path, "t.csv", 'n,t\n"1","x\n"2","y"\n"3","z"\n')
    assert refusal(source) == "Line 2 of t.csv has a quoted cell that does not end properly; repair the quotes."


def test_the_delimiter_is_the_one_that_fits_all_rows(tmp_path):
    source = written(tmp_path, "t.csv", "a;b, in cm, outside\n1;2\n3;4\n")
    assert content(read(source)) == {"a": [1, 3], "b, in cm, outside": [2, 4]}


def test_one_column_may_hold_commas(tmp_path):
    assert content(read(written(tmp_path, "t.csv", "text\nhello, you\nworld\n"))) == {"text": ["hello, you", "world"]}


@pytest.mark.parametrize("word", MISSING_WORDS)
def test_missing_words(tmp_path, word):
    source = written(
        tmp_path, "t.csv", f"n,t,b,d,h\n1,x,true,2020-02-29,10:30\n{word}, {word} ,{word},  {word},{word}\n"
    )
    table = read(source)
    assert [column.missing.tolist() for column in table.columns] == [[False, True]] * 5
    assert [column.kind for column in table.columns] == [Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN, Kind.DATE, Kind.NUMBER]
    assert table["n"].integer and np.isnan(table["n"].values[1])
    assert table["t"].values.tolist() == ["x", ""] and table["h"].values[0] == 10.5 * 3600
    assert table["d"].values.dtype == "datetime64[us]" and np.isnat(table["d"].values[1])


def test_words_that_are_values(tmp_path):
    table = read(written(tmp_path, "t.csv", "a\nnone\nna\nundefined\n-\n"))
    assert content(table) == {"a": ["none", "na", "undefined", "-"]}


@pytest.mark.parametrize(
    ("cell", "kind", "integer"),
    [("7", "number", True), ("1e3", "number", True), ("7.0", "number", False), (".5", "number", False),
     ("+3", "number", True), ("1_000", "text", False), ("0x1F", "text", False), ("1,5", "text", False),
     ("TRUE", "boolean", False), ("yes", "text", False), ("2020/01/31", "date", False), ("2020-13-31", "text", False),
     ("12-12-12", "text", False), ("epoch", "text", False), ("2:1", "text", False), ("23:59:59.5", "number", False),
     ("25:00", "text", False), ("0", "number", True), ("-0", "number", True), ("0.5", "number", False),
     ("-0.25", "number", False), ("0e5", "number", True), (" 0", "number", True), ("00", "text", False),
     ("007", "text", False), ("01234", "text", False), ("+07", "text", False), ("-007", "text", False),
     (" 007", "text", False), ("\t-01", "text", False), ("00.5", "text", False), ("0_7", "text", False),
     ("10", "number", True), ("-.05", "number", False), (".007", "number", False), ("00:30", "number", False),
     ("0001-02-03", "date", False), ("2020-01-01", "date", False)],
)  # fmt: skip
def test_kind_of_a_cell(tmp_path, cell, kind, integer):
    column = read(written(tmp_path, "t.csv", f'a,b\n"{cell}",1\n'))["a"]
    assert (column.kind.value, column.integer) == (kind, integer)


def test_a_late_odd_cell_makes_text_of_the_whole_column(tmp_path):
    source = written(tmp_path, "t.csv", "a,b\n" + "1,2\n" * 30_011 + '"x, y",3\n')
    column = read(source)["a"]
    assert column.kind is Kind.TEXT and column.values[0] == "1" and column.values[-1] == "x, y"
    assert {batch["a"].kind for batch in batches(source, rows=7_919)} == {Kind.TEXT}


def test_text_columns_keep_what_is_written(tmp_path):
    source = written(tmp_path, "t.csv", "zip,n\n1234,1\n,2\n7.0,3\n")
    assert content(read(source))["zip"] == [1234.0, None, 7.0]
    assert content(read(source, text=["zip"]))["zip"] == ["1234", None, "7.0"]


@pytest.mark.parametrize("code", ["007", "-01", "00,5"])
def test_a_late_code_makes_text_of_a_column_of_numbers(tmp_path, code):
    source = written(tmp_path, "t.csv", "a;b\n" + "7;0,5\n" * 30_011 + f"{code};2\n")
    column = read(source)["a"]
    assert column.kind is Kind.TEXT and column.values[0] == "7" and column.values[-1] == code
    assert read(source)["b"].values[[0, -1]].tolist() == [0.5, 2.0]


def test_codes_in_json_of_mixed_types_stay_text(tmp_path):
    mixed = read(written(tmp_path, "m.json", '{"a": 1, "b": 1}\n{"a": "007", "b": "7"}\n'))
    assert content(mixed) == {"a": ["1", "007"], "b": [1, 7]}


def test_dates_with_a_zone_become_utc(tmp_path):
    source = written(tmp_path, "t.csv", "d\n2020-01-01 10:00:00+02\n2020-06-01T10:00:00Z\n2020-06-01 10:00\n")
    assert [moment.hour for moment in cells(read(source)["d"])] == [8, 10, 10]


def test_latin_1_is_read_with_a_warning(tmp_path):
    source = written(tmp_path, "t.csv", "ville,n\nOrléans,1\n".encode("latin-1"))
    with pytest.warns(ThalwegWarning, match="not UTF-8"):
        assert content(read(source)) == {"ville": ["Orléans"], "n": [1]}
    late = written(tmp_path, "late.csv", b"a,b\n" + b"x,1\n" * 50_021 + "é,2\n".encode("latin-1"))
    with pytest.warns(ThalwegWarning, match="not UTF-8"):
        assert read(late)["a"].values[-1] == "é"


def test_unicode_names_and_names_that_differ_in_case(tmp_path):
    source = written(tmp_path, "données été.csv", "größe,Größe,名前\n1,2,x\n")
    assert read(source).names == ("größe", "Größe", "名前") and read(source).name == "données été.csv"


@pytest.mark.parametrize("name", ["a[1]*?.csv", "it's.csv", "year=2020.csv", "select a from b", "t.weird", "t"])
def test_odd_file_names(tmp_path, monkeypatch, name):
    written(tmp_path, name, "a,b\n1,x\n")
    written(tmp_path, "a1zz.csv", "a,b\n9,z\n")
    monkeypatch.chdir(tmp_path)
    assert content(read(name)) == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zst", "jsonl.gz", "ndjson", "json", "parquet"])
def test_formats_agree(tmp_path, ending):
    frame = pa.table({"n": [1, None, 3], "t": ["x", "y", None], "b": [True, False, None]})
    path = tmp_path / f"t.{ending}"
    connection = duckdb.connect()
    connection.register("frame", frame)
    layout = {"csv": "csv", "par": "parquet"}.get(ending[:3], "json")
    connection.execute(f"COPY frame TO '{path}' (FORMAT {layout})").fetchall()
    connection.close()
    assert content(read(path)) == {"n": [1, None, 3], "t": ["x", "y", None], "b": [True, False, None]}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.json"])
def test_folders_named_like_partitions_add_no_column(tmp_path, name):
    (tmp_path / "year=2020").mkdir()
    path = tmp_path / "year=2020" / name
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT 1 AS a) TO '{path}'").fetchall()
    connection.close()
    assert content(read(path)) == {"a": [1]}


def test_not_a_number_is_missing(tmp_path):
    frame = pa.table({"n": [1.5, float("nan"), None]})
    pq.write_table(frame, tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet", "SELECT unnest([1.5, 'nan'::DOUBLE, NULL]) AS n"):
        assert read(source)["n"].missing.tolist() == [False, True, True]


def test_json_array_and_mixed_types(tmp_path):
    assert content(read(written(tmp_path, "a.json", '[{"a": 1}, {"a": 2, "b": "x"}]'))) == {
        "a": [1, 2],
        "b": [None, "x"],
    }
    mixed = read(written(tmp_path, "m.json", '{"a": 1, "b": 1}\n{"a": "?", "b": "x"}\n'))
    assert content(mixed) == {"a": [1, None], "b": ["1", "x"]} and mixed["a"].integer


def test_queries(tmp_path):
    written(tmp_path, "t.csv", "a,b\n1,x\n2,y\n")
    path = tmp_path / "t.csv"
    for query in (f"select * from '{path}' order by a desc", f"FROM '{path}' ORDER BY a DESC; -- newest first",
                  f"\n with t as (from '{path}') select * from t order by a desc -- ;"):  # fmt: skip
        table = read(query)
        assert table.name == "the query" and content(table) == {"a": [2, 1], "b": ["y", "x"]}


def test_every_sql_type():
    table = read(
        "SELECT 12345678901234567890123::HUGEINT h, 1.50::DECIMAL(5, 2) d, 3::DECIMAL(9, 0) w, TIME '10:30' t, "
        "INTERVAL 2 DAYS i, TIMESTAMPTZ '2020-01-01 10:00+02' z, DATE '2020-01-02' y, [1, 2] l, {'a': 1} s, "
        "'ab'::BLOB b, NULL n, 'x'::ENUM('x', 'y') e, 0.5::FLOAT f, 7::UTINYINT u, 5::BIGINT q"
    )
    kinds = {column.name: (column.kind.value, column.integer) for column in table.columns}
    assert {name for name, kind in kinds.items() if kind == ("number", True)} == {"h", "w", "u", "q"}
    assert {name for name, kind in kinds.items() if kind == ("number", False)} == {"d", "t", "i", "f"}
    assert {name for name, (kind, _) in kinds.items() if kind == "date"} == {"z", "y"}
    assert content(table)["t"] == [37_800.0] and content(table)["i"] == [172_800.0]
    assert content(table)["z"] == [datetime.datetime(2020, 1, 1, 8)]
    assert [content(table)[name] for name in "lsbne"] == [["[1, 2]"], ["{'a': 1}"], ["ab"], [None], ["x"]]


def test_frames_agree():
    columns = {"n": [1.5, None], "t": ["x", "?"], "i": [3, 4], "b": [True, False]}
    frames = [
        pd.DataFrame(columns, index=["p", "q"]), pl.DataFrame(columns), pl.LazyFrame(columns), pa.table(columns),
        duckdb.sql("SELECT * FROM (VALUES (1.5::DOUBLE, 'x', 3, true), (NULL, '?', 4, false)) AS v(n, t, i, b)"),
    ]  # fmt: skip
    for frame in frames:
        table = read(frame)
        assert content(table) == {"n": [1.5, None], "t": ["x", None], "i": [3, 4], "b": [True, False]}
        assert table["i"].integer and not table["n"].integer and table.name == "the data frame"


def test_types_of_pandas_and_polars():
    table = read(
        pd.DataFrame(
            {
                "category": pd.Categorical([3, 4]),
                "nullable": pd.array([1, None], dtype="Int64"),
                "half": np.array([1, 2.5], dtype="float16"),
                "date": pd.to_datetime(["2020-01-31", None]),
                5: [1, 2],
            }
        )
    )
    assert content(table) == {
        "category": ["3", "4"], "nullable": [1, None], "half": [1, 2.5],
        "date": [datetime.datetime(2020, 1, 31), None], "5": [1, 2],
    }  # fmt: skip
    frame = pl.DataFrame({"c": ["x", "y"], "l": [[1], [2, 3]]}).with_columns(pl.col("c").cast(pl.Categorical))
    assert content(read(frame)) == {"c": ["x", "y"], "l": ["[1]", "[2, 3]"]}


def test_rows_keep_their_order(tmp_path, rng):
    rows = 300_007
    numbers = np.arange(rows, dtype=np.float64)
    words = np.char.add("w", rng.permutation(rows).astype(str))
    frame = pa.table({"n": numbers, "w": words})
    pq.write_table(frame, tmp_path / "t.parquet", row_group_size=10_007)
    pyarrow.csv.write_csv(frame, tmp_path / "t.csv")
    frame = pa.Table.from_batches(frame.to_batches(4_999))
    for source in (tmp_path / "t.parquet", tmp_path / "t.csv", frame):
        pieces = list(batches(source, rows=20_011))
        assert max(piece.n_rows for piece in pieces) <= 20_011 and len(pieces) > 10
        assert np.array_equal(np.concatenate([piece["n"].values for piece in pieces]), numbers)
        assert all(piece.row_number(i) == piece["n"].values[i] + 1 for piece in pieces for i in (0, -1))
        whole = read(source)
        assert np.array_equal(whole["n"].values, numbers) and whole["w"].values.tolist() == words.tolist()


def test_no_cell_is_read_through_a_join(tmp_path):
    """A join loses the order of rows on several threads, and DuckDB makes one of an IN with five constants."""
    source = open_source(written(tmp_path, "t.csv", "t,n,d,b\nx,1,2020-01-01,true\ny,2,2020-01-02,false\n"))
    select = ", ".join(f"{field.sql} AS v{i}" for i, field in enumerate(source.fields))
    plan = source._connection.execute(f"EXPLAIN SELECT {select} FROM {source._relation}").fetchall()[0][1]
    assert "Projection" in plan and "join" not in plan.lower()
    words = ", ".join(f"'{word}'" for word in MISSING_WORDS)
    joined = source._connection.execute(f"EXPLAIN SELECT c0 IN ({words}) FROM {source._relation}").fetchall()[0][1]
    assert "join" in joined.lower(), "DuckDB no longer joins here: clean_sql may become an IN"
    assert " IN " not in clean_sql("c0")
    source.close()


def test_a_query_gives_the_same_order_each_time(tmp_path):
    """Also one that joins, as this one does by its list: else the same seed would not give the same model."""
    frame = pa.table({"n": np.arange(400_009.0), "w": np.char.add("w", (np.arange(400_009) % 101).astype(str))})
    pq.write_table(frame, tmp_path / "t.parquet", row_group_size=10_007)
    query = f"SELECT n, trim(w) IN ('w1', 'w2', 'w3', 'w5', 'w7', 'w11') AS found FROM '{tmp_path / 't.parquet'}'"
    first = read(query)["n"].values
    assert all(np.array_equal(read(query)["n"].values, first) for _ in range(3)) and len(first) == 400_009


def test_batches_of_a_table_and_of_a_query():
    table = read("SELECT range AS n FROM range(7)")
    for source in (table, "SELECT range AS n FROM range(7)"):
        pieces = list(batches(source, rows=3))
        assert [piece.n_rows for piece in pieces] == [3, 3, 1]
        assert [piece.row_number(0) for piece in pieces] == [1, 4, 7]


def test_columns_take_and_drop(tmp_path):
    table = read(written(tmp_path, "t.csv", "a,b,c\n1,x,3\n4,y,6\n7,z,9\n"), columns=["c", "a"])
    assert content(table) == {"c": [3, 6, 9], "a": [1, 4, 7]}
    taken = table.take(np.array([2, 0])).take(np.array([True, False]))
    assert content(taken) == {"c": [9], "a": [7]} and taken.row_number(0) == 3
    assert table.drop(["c"]).names == ("a",) and read(table, columns=["a"]).names == ("a",)
    with pytest.raises(TableError, match=r"t\.csv has no column 'aa'; did you mean 'a'\?"):
        table["aa"]
    with pytest.raises(TableError, match=r"no column 'x', 'y'; its columns are 'a', 'b', 'c'"):
        read(tmp_path / "t.csv", columns=["x", "a", "y"])


def test_columns_left_out_are_not_read(tmp_path):
    text = written(tmp_path, "t.csv", "a,b,c\n1,inf,x\n2,1e999,y\n")
    json = written(tmp_path, "t.json", '{"a": 1, "b": 1e999, "c": "x"}\n{"a": 2, "b": "q", "c": "y"}\n')
    arrow = pa.table({"a": [1, 2], "b": [float("inf"), 0.5], "c": ["x", "y"]})
    pq.write_table(arrow, tmp_path / "t.parquet")
    frames = [
        pd.DataFrame({"a": [1, 2], "b": [1, "q"], "c": ["x", "y"]}),
        pl.DataFrame({"a": [1, 2], "b": [object(), object()], "c": ["x", "y"]}),
        pl.LazyFrame({"a": [1, 2], "b": [np.inf, 0.5], "c": ["x", "y"]}),
    ]
    query = "SELECT range + 1 AS a, error('boom') AS b, chr(120 + range::INT) AS c FROM range(2)"
    whole = Table("whole", tuple(read(text, without=["b"]).columns + read("SELECT 1 AS b").columns))
    for source in (text, json, arrow, tmp_path / "t.parquet", *frames, query, whole):
        assert content(read(source, without=["b"])) == {"a": [1, 2], "c": ["x", "y"]}
        assert [piece.names for piece in batches(source, rows=1, without=["b"])] == [("a", "c")] * 2
        assert read(source, columns=["c"], without={"b"}).names == ("c",)
        with pytest.raises(TableError, match="has no column 'bb'; did you mean 'b'"):
            read(source, without=["a", "bb"])
    with pytest.raises(TableError, match=r"infinite value \(inf\) in row 1"):
        read(text, without=["c"])
    with pytest.raises(TableError, match=r"All columns of t\.csv are left out"):
        read(text, without=["a", "b", "c"])
    with pytest.raises(TableError, match="cannot be read from NoneType"):
        read(None, without=["b"])


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("t.csv", b"", r"t\.csv is empty"),
        ("t.csv", b"  \n\n", r"t\.csv is empty"),
        ("t.json", b"", r"t\.json is empty"),
        ("t.csv.gz", gzip.compress(b"", mtime=0), r"t\.csv\.gz is empty"),
        ("t.csv", b"a,b\n", "has column names but no rows"),
        ("t.csv", b"a,b,a\n1,2,3\n", "has two columns called 'a'"),
        ("t.csv", b",b\n1,2\n", "Column 1 of t.csv has no name"),
        ("t.csv", b"1.5,2\n3,4\n", r"first row of t\.csv holds numbers \(1\.5, 2\)"),
        ("t.csv", b"3,3\n3,4\n", r"first row of t\.csv holds numbers"),
        ("t.csv", b"a,b\n1,2\n3\n", r"Line 3 of t\.csv has another number of cells \(1\) than names \(2\)"),
        ("t.csv", b"a,b\n1,2,5\n3,4\n", r"Line 2 of t\.csv has another number of cells \(3\) than names \(2\)"),
        ("t.csv", b'a,b\n1,2\n3,"x\n', r"Line 3 of t\.csv has a quoted cell that does not end"),
        ("t.csv", b"a,b\n1,2\n3,inf\n", r"Column 'b' of t\.csv has an infinite value \(inf\) in row 2"),
        ("t.csv", b"a,b\n1,-1e999\n3,4\n", r"Column 'b' of t\.csv has an infinite value \(-inf\) in row 1"),
        ("t.csv", b"a,b\n1,\x00\n", "binary data"),
        ("t.csv", bytes(range(256)) * 9, "binary data"),
        ("t.csv", b"PK\x03\x04....", "Excel"),
        ("t.csv.bz2", b"BZh91AY....", "bzip2"),
        ("t.csv.gz", b"a,b\n1,2\n", "not compressed as its name says"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 100_003, mtime=0)[:-150], "cut short or damaged"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "cut short or damaged"),
        ("t.parquet", b"a,b\n1,2\n", "not a whole Parquet file"),
        ("t.parquet", b"PAR1" + bytes(90) + b"PAR1", "not a whole Parquet file"),
        ("t.json", b'{"a": 1}\n{"a":\n', "cannot be read"),
        ("t.json", b"[1, 2]", "cannot be read"),
        ("t.json", b'{"a": 1, "a": 2}', "duplicate key"),
        ("t.csv", b"a,b\n1," + b"x" * 3_000_017 + b"\n", "longer than 2 MB"),
    ],
)
def test_refused_files(tmp_path, name, data, said):
    import re

    assert re.search(said, refusal(written(tmp_path, name, data)))


def test_a_cut_parquet_file(tmp_path):
    pq.write_table(pa.table({"a": np.arange(1_009)}), tmp_path / "t.parquet")
    data = (tmp_path / "t.parquet").read_bytes()
    for length in (5, len(data) // 2, len(data) - 1):
        assert "not a whole Parquet file" in refusal(written(tmp_path, "cut.parquet", data[:length]))


def test_refused_paths(tmp_path, monkeypatch):
    assert "is a directory" in refusal(tmp_path)
    assert "no file" in refusal(tmp_path / "nothing.csv")
    assert "no file 'selected.csv'" in refusal("selected.csv")
    assert "not a regular file" in refusal("/dev/null") if os.path.exists("/dev/null") else True
    path = written(tmp_path, "t.csv", "a\n1\n")
    path.chmod(0)

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    # The superuser may open anything, so the refusal of the system is played.
    monkeypatch.setattr(Path, "open", denied)
    assert refusal(path) == "t.csv cannot be opened (Permission denied); check its permissions."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 AS a, 2 AS a", "the query has two columns called 'a'"),
        ("SELECT 1 AS a; DROP TABLE t", "single SELECT"),
        ("WITH t AS (SELECT 1 AS a) INSERT INTO u SELECT * FROM t", "single SELECT"),
        ("SELECT * FROM nowhere", "nowhere does not exist"),
        ("SELECT FROM WHERE", "cannot be read"),
        ("SELECT 1 AS a WHERE false", "no rows"),
        ("SELECT 'inf'::DOUBLE AS a", r"infinite value (inf) in row 1"),
        ("SELECT DATE '-infinity' AS a", r"infinite value (infinity) in row 1"),
        ("SELECT error('boom') AS a", "boom"),
        ("FROM frame", "frame does not exist"),
    ],
)
def test_refused_queries(query, said):
    frame = pd.DataFrame({"a": [1]})  # which a query must not see
    assert said in refusal(query) and len(frame) == 1


def test_a_query_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read("SELECT range AS n FROM range(100003) ORDER BY hash(range)")
    with pytest.raises(TableError):
        read("FROM (COPY (SELECT 1 AS a) TO 'written.csv')")
    assert list(tmp_path.iterdir()) == []


def test_duckdb_is_closed_to_the_outside():
    """No spill files, no Python variables in queries, no extensions from the network."""
    source = open_source("SELECT 1 AS a")
    names = "temp_directory", "python_enable_replacements", "autoload_known_extensions", "autoinstall_known_extensions"
    settings = ", ".join(f"current_setting('{name}')" for name in names)
    assert source._connection.execute(f"SELECT {settings}").fetchall() == [("", False, False, False)]
    source.close()


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns called 'a'"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), "two columns called '1'"),
        (pa.table([[1], [2]], names=["a", "a"]), "two columns called 'a'"),
        (pd.DataFrame({"": [1]}), "Column 1 of the data frame has no name"),
        (pd.DataFrame({"a": [1, None, "x"]}), "mixes int and str (row 3: 'x')"),
        (pd.DataFrame({"a": [1 + 2j]}), "Column 'a' of the data frame cannot be read"),
        (pd.DataFrame({"a": [2**70]}), "Column 'a' of the data frame cannot be read"),
        (pl.DataFrame({"a": [object()]}), "holds Python objects"),
        (pd.DataFrame({"a": [0.0, np.inf]}), "infinite value (inf) in row 2"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pd.DataFrame(), "no columns"),
        (np.zeros((2, 3)), "cannot be read from ndarray"),
        (None, "cannot be read from NoneType"),
        ({"a": [1]}, "cannot be read from dict"),
    ],
    ids=range(14),
)
def test_refused_frames(frame, said):
    assert said in refusal(frame)


def test_tables_beyond_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    rows = 1_000_003
    pq.write_table(pa.table({"a": np.zeros(rows), "b": np.zeros(rows)}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < rows / 10
    memory = 8 * 2 * rows * 2  # half of it is exactly the table
    monkeypatch.setattr(table_module.Source, "memory", lambda self: memory)
    assert read(tmp_path / "t.parquet").n_rows == rows
    memory -= 64
    monkeypatch.setattr(table_module.Source, "stream", lambda self, rows: pytest.fail("it was read"))
    assert "1,000,003 rows or more and 2 columns" in refusal(tmp_path / "t.parquet")


def test_a_query_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(table_module.Source, "memory", lambda self: 8 * 2 * 200_003)
    assert "of which half of the memory holds 200,003 rows" in refusal("SELECT range AS n FROM range(1000000000000)")


def test_memory_is_that_of_the_machine():
    source = open_source("SELECT 1 AS a")
    assert 2**26 < source.memory() < 2**50
    source.close()


@given(
    st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False) | st.none(), st.text(
        st.characters(exclude_categories=["Cs", "Cc"]), max_size=9)), min_size=1, max_size=13)
)  # fmt: skip
def test_what_pandas_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    pd.DataFrame(rows, columns=["number", "word"]).to_csv(path, index=False)
    table = read(path, text=["word"])
    assert cells(table["number"]) == [number for number, _ in rows]
    expected = [word.strip(" \t\r\n") for _, word in rows]
    assert cells(table["word"]) == [None if word in MISSING_WORDS else word for word in expected]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(data)
    import warnings

    with warnings.catch_warnings(action="ignore", category=ThalwegWarning):
        try:
            table = read(path)
        except TableError as error:
            assert "\n" not in str(error)
        else:
            assert table.n_rows >= 1


TABLES = {
    "abalone.csv": (4_177, 9), "adult.parquet": (48_842, 15), "bank_marketing.parquet": (45_211, 17),
    "bike_sharing_hour.parquet": (17_379, 17), "california_housing.parquet": (20_640, 10),
    "concrete_strength.csv": (1_030, 9), "covertype_15k.parquet": (15_120, 55), "german_credit.csv": (1_000, 21),
    "higgs_7k.csv.gz": (7_500, 29), "kddcup99_10pct.parquet": (494_021, 42), "letter.parquet": (20_000, 17),
    "magic_telescope.parquet": (19_020, 11), "mnist_10k.parquet": (10_000, 785),
    "skin_segmentation.parquet": (245_057, 4), "sms_spam.csv.gz": (5_574, 2),
    "spamassassin_features.csv.gz": (6_046, 48), "spamassassin_raw.parquet": (6_046, 10),
    "spambase.csv.gz": (4_601, 58), "wine_quality.csv": (6_497, 13),
}  # fmt: skip
MISSING = {"adult.parquet": 6_465, "california_housing.parquet": 207, "spamassassin_features.csv.gz": 8_577}


@pytest.mark.parametrize("name", TABLES)
def test_real_tables(shared, name):
    table = read(shared / "data" / name)
    assert (table.n_rows, len(table.columns)) == TABLES[name]
    if name in MISSING:
        assert sum(int(column.missing.sum()) for column in table.columns) == MISSING[name]
