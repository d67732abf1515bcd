"""`TableEncoder`: the features of `fit`, as scikit-learn's Pipelines ask for them."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import thalweg as tw
from command_line import TARGETS, mails
from thalweg import table
from thalweg.encoding import Encoder


@parametrize_with_checks([tw.TableEncoder()])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def mail():
    columns = pd.DataFrame(mails(211, 5))
    columns["sent"] = pd.to_datetime(columns["sent"])
    return columns


def test_the_features_are_those_that_fit_learns(mail):
    encoder = tw.TableEncoder(drop=TARGETS).fit(mail)
    whole = Encoder.learn(table.read(mail), ["spam"], drop=[name for name in TARGETS if name != "spam"])
    assert encoder.encoder_.roles == whole.roles and encoder.encoder_.task == "none" and encoder.encoder_.targets == ()
    assert np.array_equal(encoder.transform(mail), whole.encode(table.read(mail)))
    assert encoder.get_feature_names_out().tolist() == list(whole.feature_names)
    assert {d.column: d.role for d in encoder.encoder_.decisions} == {
        "length": "number", "trusted": "two values", "sender": "category", "sent": "date",
        **dict.fromkeys(TARGETS, "dropped"),
    }  # fmt: skip


def test_new_rows_are_encoded_as_the_training_rows_were(mail):
    encoder = tw.TableEncoder(drop=TARGETS).fit(mail[:150])
    new = mail[150:].assign(sender="unseen", length=np.nan)
    names, features = encoder.get_feature_names_out().tolist(), encoder.transform(new)
    assert (features[:, names.index("sender = (rare or unseen)")] == 1.0).all()
    assert (features[:, names.index("length is missing")] == 1.0).all()
    with pytest.raises(ValueError, match="yet now missing:\n- sender"):
        encoder.transform(new.drop(columns="sender"))


@pytest.mark.parametrize(("library", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output(mail, library, kind):
    features = tw.TableEncoder(drop=TARGETS).set_output(transform=library).fit_transform(mail)
    assert isinstance(features, kind) and features.shape[0] == 211
    assert {"length", "length is missing", "trusted = true", "sender = shop"} <= set(features.columns)


def test_in_front_of_another_estimator(mail):
    X, y = mail.drop(columns=[*TARGETS]), mail["spam"]
    pipeline = make_pipeline(tw.TableEncoder(), LogisticRegression())
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    fitted: Any = pipeline.fit(X, y)
    names = fitted[:-1].get_feature_names_out()
    assert len(names) == fitted[-1].coef_.shape[1] and "sender = shop" in names


def test_what_is_refused(mail):
    encoder = tw.TableEncoder()
    for method in (encoder.transform, encoder.get_feature_names_out):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            method(mail)
    with pytest.raises(tw.TableError, match="no column 'nothing'"):
        tw.TableEncoder(keep="nothing").fit(mail)
    with pytest.raises(tw.TableError, match="no column 'nothing'"):
        tw.TableEncoder(drop="nothing").fit(mail)
    with pytest.raises(tw.InputError, match="'sent' cannot be kept and dropped"):
        tw.TableEncoder(drop="sent", keep="sent").fit(mail)
    with pytest.raises(tw.TableError, match="no column to learn from"):
        encoder.fit(pd.DataFrame({"same": [1.0, 1.0, 1.0]}))
    with pytest.raises(tw.InputError, match="input_features should have length equal"):
        encoder.fit(mail).get_feature_names_out(["a"])
