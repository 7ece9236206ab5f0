"""住民の画面の案内: where the head of every page for residents leads."""

from __future__ import annotations

from typing import NamedTuple

from web.services import services


class PublicPlace(NamedTuple):
    """案内の一項目; ``whole``: every page of its blueprint belongs to it."""

    endpoint: str
    label: str
    whole: bool = False

    @property
    def blueprint(self) -> str:
        """The pages that belong to this entry."""
        return self.endpoint.partition(".")[0]


PUBLIC_PLACES = (
    PublicPlace("enquiries.ask", "納付の確認"),
    PublicPlace("help.index", "質問と答え"),
    PublicPlace("help.ways", "納め方"),
    PublicPlace("help.channels", "届いた資料"),
)


OWN_PLACE = PublicPlace("residents.welcome", "自分の納付状況", whole=True)


def public_places() -> tuple[PublicPlace, ...]:
    """The entries, in their order; one's own page where a body of this process offers it."""
    offered = services().settings.residents
    return (*PUBLIC_PLACES, OWN_PLACE) if offered else PUBLIC_PLACES
