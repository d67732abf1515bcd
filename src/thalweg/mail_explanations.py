"""One mail through a spam filter, as the lecture computes: mail → features → inputs → passes, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thalweg import writers
from thalweg.document import Block, Document, Heading, Paragraph
from thalweg.document import Table as Rows
from thalweg.explaining import SHOWN_INPUTS, RowExplanation
from thalweg.mail import Mail
from thalweg.mail_features import FEATURE_SETS, FEATURES, SPAM, TRUSTED
from thalweg.trace_pages import whole


SHOWN_WORDS = 5  # of a bucket
FEW_UNITS = 20  # a network with no more of them is shown pass by pass without being asked


@dataclass(frozen=True, repr=False)
class MailExplanation:
    """What a spam filter made of a mail, and why it answers as it does."""

    mail: Mail  # that was asked about
    features: str  # "rich" or "lecture"
    row: RowExplanation  # of its features: cells, inputs, trace and what carried the answer

    @property
    def probability(self) -> float:
        """That it is spam, in float64."""
        return self.row.attribution.value

    def document(self, *, passes: bool | None = None) -> Document:
        """The explanation, for `writers.write`.

        Args:
            passes: whether it goes on with the way of the features into the network, and the forward pass (and the
                backward one, where the class is known) with its numbers; without, if the network is small enough.
        """
        title = f"{self.mail.name}: {SPAM} with probability {self.probability:.4g}"
        if passes is None:
            passes = sum(self.row.model.network.sizes) <= FEW_UNITS
        if not passes:
            return Document(title, tuple(self._blocks()))
        blocks = [*self._blocks(), *self.row.blocks()[1:]]  # whose heading names a row of a table
        return whole(self.row.trace, title, blocks, backward=self.row.has_target)

    def __str__(self) -> str:
        return writers.write(self.document(), "text")

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        told = [
            {"feature": name, "meaning": self._meaning(name), "value": cell, "carried": share}
            for name, cell, share, _ in self.row.columns[:SHOWN_INPUTS]
        ]
        return {"mail": self.mail.name, "probability": self.probability, "features": told}

    def _blocks(self) -> list[Block]:
        """The mail, its features, and what each carried."""
        columns, found = self.row.columns, self.row.attribution
        told = [one for one in columns[:SHOWN_INPUTS] if one[2]] or columns[:1]
        rows = [(name, self._meaning(name), cell, _share(share)) for name, cell, share, _ in told]
        if others := columns[len(told) :]:
            name = f"{len(others):,} other{'s' * (len(others) > 1)}"
            rows.append((name, "", "", _share(sum(share for *_, share, _ in others))))
        return [
            Heading("From the mail to the answer"),
            Paragraph(
                f"The mail has {self.mail.size:,} bytes and comes from {self.mail.domain or 'no known domain'}. A mail "
                f"whose features are all in the middle is {SPAM} with probability {found.baseline_value:.4g}, this one "
                f"with {found.value:.4g}. The last column shares out that difference (integrated gradients)."
            ),
            Rows(("feature", "what it is", "value", "carried"), tuple(rows)),
        ]

    def _meaning(self, column: str) -> str:
        """What a feature is; of a bucket, the words of this mail that are in it."""
        if column == TRUSTED:
            return "whether the sender's domain is trusted"
        if column in FEATURES:
            return FEATURES[column].meaning
        found = FEATURE_SETS[self.features].words_of(self.mail, column)
        listed = ", ".join(found[:SHOWN_WORDS]) + (", …" if len(found) > SHOWN_WORDS else "")
        return f"ln(1 + how often): {listed}" if found else "ln(1 + how often): none of its words"


def _share(share: float) -> str:
    return f"{share:+.4f}".replace("-", "−")
