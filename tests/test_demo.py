"""The demonstration: its mails are as stated, its network learns what can be learnt, its command tells so."""

import re

import numpy as np
import pytest

import thalweg as tw
from command_line import run
from thalweg import demo


@pytest.fixture(scope="module")
def spam():
    return demo.spam()


def test_mails_follow_the_stated_distribution():
    n = 200_003
    mails = demo.mails(n, seed=3)
    is_spam, log_length, trusted = mails.Y[:, 0] == 1, mails.X[:, 0] + demo.MIDDLE, mails.X[:, 1] > 0
    assert set(np.unique(mails.X[:, 1])) == {-1.0, 1.0} and np.array_equal(mails.Y.sum(axis=1), np.ones(n))
    within = 5 / np.sqrt(n / 2)  # five standard errors at most, of a half of the mails
    assert abs(is_spam.mean() - 0.5) < within
    for rows, mean, share in (
        (is_spam, demo.SPAM_LOG_LENGTH, demo.SPAM_TRUSTED), (~is_spam, demo.WANTED_LOG_LENGTH, demo.WANTED_TRUSTED),
    ):  # fmt: skip
        assert (
            abs(log_length[rows].mean() - mean) < within and abs(log_length[rows].std() - demo.LOG_LENGTH_SD) < within
        )
        assert abs(trusted[rows].mean() - share) < within
        # Length and sender say independent things of a mail whose kind is known.
        assert abs(np.corrcoef(log_length[rows], trusted[rows])[0, 1]) < 2 * within


def test_log_odds_are_those_of_the_densities():
    X = np.array([[x, sender] for x in (-1.7, 0.0, 0.4, 2.3) for sender in (-1.0, 1.0)])
    log_length, trusted = X[:, 0] + demo.MIDDLE, X[:, 1] > 0

    def log_density(mean, share):
        return -0.5 * ((log_length - mean) / demo.LOG_LENGTH_SD) ** 2 + np.log(np.where(trusted, share, 1 - share))

    of_spam = log_density(demo.SPAM_LOG_LENGTH, demo.SPAM_TRUSTED)
    assert np.allclose(demo.log_odds(X), of_spam - log_density(demo.WANTED_LOG_LENGTH, demo.WANTED_TRUSTED), atol=1e-12)


def test_the_lectures_network_comes_close_to_the_best_rule(spam):
    assert str(spam.network).startswith("2-2-2 sigmoid, sigmoid output, squared_error") and not spam.network.bias
    assert spam.result.status is tw.Status.EPOCHS and spam.result.history.loss[-1] < spam.result.history.loss[0]
    assert 0.75 < spam.accuracy <= spam.best_accuracy + 0.005 and spam.accuracy > spam.best_accuracy - 0.01
    assert spam.result.parameters.dtype == np.float64 and len(spam.result.parameters) == 8


def test_a_mail_that_cannot_be_told_apart_gets_about_a_half(spam):
    length, answer = spam.undecided
    assert abs(demo.log_odds(np.array([[np.log(length) - demo.MIDDLE, -1.0]]))[0]) < 1e-12
    assert np.abs(answer - 0.5).max() < 0.06


def test_another_seed_gives_other_mails():
    one, same, other = (demo.mails(7, seed).X for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_command_shows_both_results_and_where_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = run("demo")
    assert ran.status == 0 and "Traceback" not in ran.err
    accuracy, baseline = (
        float(re.search(rf"^ {name} +(\d+\.\d)%  ", ran.text, re.MULTILINE)[1])  # type: ignore[index]
        for name in ("network", "baseline: shares of the classes")
    )
    assert accuracy > 90 > 70 > baseline and "decision tree, " in ran.text
    assert re.search(r"accuracy on 10,000 new mails +0\.8\d{3}", ran.text)
    assert re.search(r"the best that any rule can do on them +0\.8\d{3}", ran.text)
    assert re.search(r"a mail of \d+ letters that cannot be told apart +\[0\.[45]\d, 0\.[45]\d\]", ran.text)
    model, page = (tmp_path / "thalweg-demo" / f"breast_cancer.{suffix}" for suffix in ("thalweg", "html"))
    assert ran.text.endswith("model   thalweg-demo/breast_cancer.thalweg\nreport  thalweg-demo/breast_cancer.html\n")
    assert tw.load(model).predict(demo.table()).shape == (569,)
    assert "thalweg demo" in page.read_text(encoding="utf-8")
