"""Trusted domains: subdomains, digests, and that what is learnt of a mail's own domain does not give its label away."""

import re

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from thalweg.errors import FileError, InputError
from thalweg.trusted_domains import TrustedDomains, learn, lineage, trusted_without_itself


@pytest.mark.parametrize(
    ("domain", "is_trusted"),
    [
        ("example.org", True), ("mail.example.org", True), ("a.b.example.org", True), ("example.com", False),
        ("badexample.org", False), ("example.org.evil.net", False), ("org", False), ("", False), (".", False),
    ],
)  # fmt: skip
def test_a_domain_covers_itself_and_those_below_it(domain, is_trusted):
    assert TrustedDomains.of(["Example.ORG"]).covers(domain) is is_trusted


def test_digests_do_not_show_domains_and_differ_between_lists():
    one, other = TrustedDomains.of(["example.org"]), TrustedDomains.of(["example.org", "example.net"])
    assert "example" not in repr(one) + one.salt + "".join(one.digests)
    assert one.salt != other.salt and not one.digests & other.digests
    assert one == TrustedDomains.of(["@example.org"]) == TrustedDomains.of(["someone@example.org."])
    assert len(other) == 2


def test_a_file_has_a_domain_a_line(tmp_path):
    path = tmp_path / "domains.txt"
    path.write_text("# mine\nexample.org\n\n  boss@work.example  # who pays\n", encoding="utf-8")
    assert TrustedDomains.read(path) == TrustedDomains.of(["example.org", "work.example"])
    path.write_text("example.org\nnot a domain\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"line 2 of .* is 'not a domain'.*such as example\.org"):
        TrustedDomains.read(path)


@pytest.mark.parametrize("wrong", ["", "two words", "a/b", "a..b"])
def test_what_is_no_domain_is_refused(wrong):
    with pytest.raises(InputError, match="is no domain"):
        TrustedDomains.of([wrong])


def test_learnt_are_domains_with_more_wanted_mail_than_spam():
    domains = ["a.org", "a.org", "a.org", "b.com", "b.com", "c.net", "localhost", ""]
    spam = np.array([False, False, True, False, True, True, False, False])
    learnt = learn(domains, spam)
    assert [learnt.covers(name) for name in ("a.org", "b.com", "c.net", "localhost", "")] == [True] + [False] * 4


NAMES = st.sampled_from(["org", "a.org", "b.org", "x.a.org", "y.x.a.org", "c.net", "", "a..b", ".a.org"])


@given(st.lists(st.tuples(NAMES, st.booleans()), min_size=1, max_size=11))
def test_each_mail_is_judged_by_the_others_alone(mails):
    """The definition, the slow way: learn from all the others, then ask. So its own label changes nothing."""
    domains, spam = [name for name, _ in mails], np.array([label for _, label in mails])
    found = trusted_without_itself(domains, spam)
    for row in range(len(mails)):
        others = [place for place in range(len(mails)) if place != row]
        learnt = learn([domains[place] for place in others], spam[others])
        assert found[row] == learnt.covers(domains[row])


@given(st.text(max_size=60))
def test_any_text_is_looked_up(text):
    assert TrustedDomains.of(["example.org"]).covers(text) in (True, False)
    assert all(re.search(r"[^.]", name) for name in lineage(text))
