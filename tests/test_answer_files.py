"""Answer files as people and spreadsheets write them, and one sentence for each that cannot be read."""

import os
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thalweg import FileError, InputError
from thalweg.answer_files import read_answers


NAMES = ("a[1][1]", "g'(a[1][2])", "dE/dW[1][2,1]", "example 2: delta[1][2]", "new W[2][2,1]")
PRINTED = {"a₁⁽¹⁾": "a[1][1]", "∂E/∂W₂₁⁽¹⁾": "dE/dW[1][2,1]", "W₁₀,₂⁽¹⁾": "W[1][10,2]"}
KNOWN = {**{name: name for name in NAMES}, "W[1][10,2]": "W[1][10,2]", **PRINTED}
EXPECTED = {
    "a[1][1]": Fraction(1, 4),
    "g'(a[1][2])": Fraction(-1, 3),
    "dE/dW[1][2,1]": Fraction(-3, 10**5),
    "example 2: delta[1][2]": Fraction(1, 2),
    "new W[2][2,1]": Fraction(12),
}


def read(folder, text: str, encoding: str = "utf-8"):
    path = folder / "answers.csv"
    path.write_bytes(text.encode(encoding))
    return read_answers(path, KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "a[1][1],0.25\ng'(a[1][2]),-1/3\n\"dE/dW[1][2,1]\",-3e-5\nexample 2: delta[1][2],½\n\"new W[2][2,1]\",12\n",
        "value;answer\r\na[1][1];0,25\r\ng'(a[1][2]);−1/3\r\ndE/dW[1][2,1];-3e-5\r\nexample 2: delta[1][2];0,5\r\n"
        "new W[2][2,1];12",
        "name\tnumber\na₁⁽¹⁾\t.25\ng’(a[1][2])\t-1/3\n∂E/∂W₂₁⁽¹⁾\t-0,00003\nexample 2:delta[1][2]\t0.5\n"
        "new W[2][2,1]\t12\n",
        "dE/dW[1][2,1],-0.00003\nnew W[2][2,1],12,\n\n,\na[1][1],0,25,,\ng'(a[1][2]) , -1/3\n"
        "example 2: delta[1][2],0.5\n",
        "\ufeffname, answer\na[1][1], 1/4\n\"g'(a[1][2])\", \"-1/3\"\n\"∂E/∂W₂₁⁽¹⁾\", -3e-5\n"
        "example 2: delta [1] [2], 0.5\nnew W[2][2, 1], 12\n",
    ],
)  # fmt: skip
def test_files_of_many_hands(tmp_path, text):
    assert read(tmp_path, text) == EXPECTED


def test_a_comma_within_a_number_is_that_of_its_decimals(tmp_path):
    assert read(tmp_path, "a[1][1];1,265\n") == read(tmp_path, "a[1][1],1,265\n") == {"a[1][1]": Fraction("1.265")}


def test_blanks_are_left_out_and_commas_in_printed_symbols_are_no_partings(tmp_path):
    assert read(tmp_path, "a[1][1],\nW₁₀,₂⁽¹⁾,1\nnew W[2][2,1],  \n") == {"W[1][10,2]": Fraction(1)}


def test_a_first_row_that_is_an_answer_is_no_header(tmp_path):
    assert read(tmp_path, "a[1][1],7\n") == {"a[1][1]": Fraction(7)}
    with pytest.raises(InputError, match="line 1: the answer for a"):
        read(tmp_path, "a[1][1],seven\n")
    with pytest.raises(InputError, match=r"'b\[1\]\[1\]' \(line 1\)"):
        read(tmp_path, "b[1][1],7\na[1][1],7\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no answers: write a name and a number in each row, such as a[1][1],0.5"),
        ("name,answer\n", "has no answers"),
        ("\n , \n", "has no answers"),
        ("a[1][1],\nnew W[2][2,1],\n", "has no answers"),
        ("a[1][1],1\nb[1][1],2\nfoo,3\n", "no value is called 'b[1][1]' (line 2), 'foo' (line 3); values have names "
         "such as a[1][1]"),
        ("a[1][1],1\n" + "x,1\ny,1\nz,1\nu,1\n", "'x' (line 2), 'y' (line 3), 'z' (line 4) and 1 others; values"),
        ("delt[1][2],1\na[1][1],2\n", "'delt[1][2]' (line 1)"),
        ("a[1][1],1\ng'(a[1][2]),one\n", "line 2: the answer for g'(a[1][2]) must be a finite number such as 2"),
        ("a[1][1],1/0\n", "line 1: the answer for a[1][1] is '1/0', and nothing can be divided by 0"),
        ('a[1][1],"1,000.5"\n', "must be a finite number"),
        ("a[1][1],nan\n", "must be a finite number"),
        ("a[1][1],1\na₁⁽¹⁾,1\n", "line 2: the answer for a[1][1] is there already, further up"),
        ("a[1][1]\n", "has no answers"),
    ],
)  # fmt: skip
def test_refusals(tmp_path, text, said):
    with pytest.raises(InputError) as raised:
        read(tmp_path, text)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_files_that_are_none(tmp_path):
    def refused(path, said):
        with pytest.raises(FileError, match=said):
            read_answers(path, KNOWN)

    refused(tmp_path / "none.csv", "does not exist")
    refused(tmp_path, "is a folder")
    (tmp_path / "latin.csv").write_bytes("a[1][1];½\n".encode("latin-1"))
    refused(tmp_path / "latin.csv", r"is no text in UTF-8, as byte 9 is 0xbd; save it as UTF-8")
    (tmp_path / "wide.csv").write_bytes("a[1][1],1\n".encode("utf-16"))
    refused(tmp_path / "wide.csv", "is no text in UTF-8")
    (tmp_path / "large.csv").write_bytes(b"a" * 1_000_001)
    refused(tmp_path / "large.csv", "has over 1,000,000 bytes")
    os.mkfifo(tmp_path / "pipe.csv")
    refused(tmp_path / "pipe.csv", "is not an ordinary file")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="a[1]g'(),;\t\n\"0.5/½−x₁⁽⁾ \x00", max_size=60))
def test_whatever_is_in_a_file_is_answered(tmp_path, text):
    try:
        found = read(tmp_path, text)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert set(found) <= set(KNOWN.values())
