"""検算 (``kokin verify``): recompute every figure from the stored evidence (design.md, T1–T11).

Nothing here shares a statement or a rule with the engine that wrote the books; only the readers of
the formats and the domain are common. Each difference carries one of these names:

====================  ==========================================================================
``evidence_hash``     the bytes are not those whose hash and size were recorded
``file_format``       the bytes are not of the format that was recorded
``file_totals``       count and amount recorded ≠ those read again ≠ Σ lines (T1)
``file_status``       a line of a file that was set aside, or what was booked is so now, or a file
                      stands otherwise than its findings say
``source_file``       a file came on another day, or from somebody else, than its journal or its
                      bytes say; ``finding``: what is said to be wrong with it is not what its
                      reader finds
``source_line``       a line is not what stands in the bytes; likewise ``bank_line``,
                      ``advice_line``, ``assessment_event``, ``slip``, ``vehicle``
``outcome_missing``   a line without outcome; ``outcome_revision``: its revisions have a gap;
                      ``outcome_unknown``: no outcome of outcomes.md
``outcome_money``     applied + suspense is not what the outcome says about the amount (T5)
``case_missing``      an outcome that a person must look at, without a case; ``review_case``: a case
                      does not stand as its history says, or is about another line
``receipt``           a booked line's receipt is not what its outcome and reports say
``receipt_decision``  a receipt does not name the postings that decided it
``placement``         what people decided about a payment is not what their approval says;
                      ``placement_approval``: nobody decided it, or nobody carried it out;
                      ``placement_journal``, ``placement_booking``, ``placement_outcome``: the
                      occasion, the postings, the outcome of its line differ;
                      ``placement_in_force``: something else has decided since
``credit_placement``  likewise what people decided about a bank credit; ``payer_alias``: a name
                      was learned without their approval
``refund``            a refund is not what two people approved, or nobody carried it out; likewise
                      ``refund_interest``: its interest does not follow from its reason and days;
                      ``refund_event``: what happened to it cannot have; ``refund_booking``: nor do
                      its postings follow from that
``refund_notice``     a notice says something else than what was found out, or than its day and sums
``payee_account``     the sealed account is not the one that was confirmed, or its writer did so
``refund_batch``      the totals of a file to the bank are not those of its transfers; likewise
                      ``refund_file``: nor is its hash; ``refund_sent``: it went out without two
                      people, or not as it was frozen; ``refund_withdrawn``: it was withdrawn
                      without two people, after it was paid, or not with all that it sent
``link_block``        a link that must not return has no approval, or an approval no such block
``deposit``           a credit is not the deposit that its line and outcome say
``settlement``        what a credit settled is not its amount
``posting``           the postings about a line do not net to its receipt or deposit
``journal``           a posting without occasion, or one that moves nothing
``instalment_amount`` a claim is not that of its last event; ``claim_posting``: nor its postings
``instalment_balance``  what was paid on an instalment is not what was posted
``late_charge``         a booked charge is not its line or not of its claim;
                      ``late_charge_yen``: nor what the law makes of what it was booked on;
                      ``late_charge_run``: a run did not book what its file has posted
``dunning_evidence``  a letter was held back on what is not about its claim; likewise
                      ``dunning_sources``: sources are not those that two people drew it over
``write_off``           what was given up differs between accounts, records and postings;
                      ``write_off_approval``: nobody decided it, or something else;
                      ``charge_waiver``: nor a waiver
``pay_key``           the look-up of numbers is not what slips and instalments say
``slip_event``        what happened to a slip does not lead to its state
``slip_barcode``      a barcode issued here does not say the slip's amount
``slip_upload``       slip data made again from the slips are not what was handed to the hub
``upload_answer``     the hub did not take what was sent (T9)
``print_run``         a place of a printed run has neither page nor refusal, or files have other
                      pages (T9); ``release_upload``: a released slip the hub did not take
``debit_batch``       a batch of debits is not the sum of its rows; ``debit_file``: its bytes made
                      again are not those recorded; ``debit_event``, ``debit_approval``: it was
                      released, sent or ended otherwise than two people decided; ``debit_twice``:
                      an instalment in two batches; ``debit_second``: a second debit of what had
                      not failed
``group_sum``         confirmed of a remittance group ≠ Σ its lines (T3); likewise
                      ``group_receipts``, ``group_part``, ``group_fee``, ``group_credited``,
                      ``group_day``
``…_balance``         an account of the ledger ≠ the records behind it: ``receivable``,
                      ``assessed``, ``suspense`` (T5), ``reported``, ``confirmed_due``, ``fee``,
                      ``bank``, ``unidentified`` (T11),
                      ``refund_due``, ``written_off``
``trial_balance``     the accounts do not sum to zero, or one of them does not exist
``statement_gap``     a statement does not open with what the one before it closed with
``day_total``         the ledger summed up by day is not the postings
``closure``           the records of closing have a gap, or one person; ``closure_hash``: a report
                      kept is not what was signed; ``closure_figures``: nor what the ledger says
``carry_run``         a carry-over does not go with the close of its year, or its totals and digest
                      are not those of its rows; ``carry_over``: a row is not what the postings
                      of its years leave open
``event``               an outgoing event that no booking led to, or with another slip; likewise
                      ``event_missing``: a booking that was not announced since somebody had
                      subscribed; ``event_number``: the numbers of the events have a gap
``hold_flag``         an instalment's flags are not those of the last line about it
``closed_day``        something was booked on a day while it was closed
``seal_chain``        a seal is missing or does not follow the one before; ``seal_digest``: its
                      digest is not that of what it says; ``seal_row``: nor are its rows
``seal_coverage``     rows came past the chain of seals, or are gone; ``unsealed``: they have
                      waited for their seal for more than a day
``seal_anchor``       a signed report names another seal
``unreadable``        a check met what cannot have been written by this service, and ended there
====================  ==========================================================================
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from typing import TYPE_CHECKING

from payments.domain.rates import know_rates, known_rates
from payments.store.engine import SQLITE_CACHE_KIB, keys_of, open_engine
from payments.store.municipalities import load_profile
from payments.store.statistics import count_uncounted
from payments.store.unit_of_work import reading
from reconcile.verify.cases import cases
from reconcile.verify.charges import charges
from reconcile.verify.claims import instalments, pay_keys
from reconcile.verify.credits import credits_placed
from reconcile.verify.days import days
from reconcile.verify.debits import debits
from reconcile.verify.deposits import deposits
from reconcile.verify.dunning import dunning
from reconcile.verify.dunning_grounds import dunning_grounds
from reconcile.verify.events import events
from reconcile.verify.files import evidence_and_lines
from reconcile.verify.given_up import given_up
from reconcile.verify.lines import LineWalk
from reconcile.verify.payees import payees
from reconcile.verify.placements import placements
from reconcile.verify.refund_notices import refund_notices
from reconcile.verify.refunds import refunds
from reconcile.verify.seal import seals
from reconcile.verify.slips import slips
from reconcile.verify.totals import decisions, groups, journals, ledger, statement_chain
from reconcile.verify.walk import Difference, Store
from reconcile.verify.years import years

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

    from payments.domain.rates import RateTable
    from payments.store.sealed_bytes import KeyRing

__all__ = ["DIFFERENCES_MAX", "Difference", "books", "papers", "verify"]

# One damaged file can differ in a million lines; this many say enough and fit in memory.
DIFFERENCES_MAX = 10_000
_TOLD_MAX = 200
# Below this the start of a second process takes longer than it saves.
TWO_PROCESSES_FROM = 50_000
_SORT_KIB = 32_768
_RECORDS = "SELECT SUM(count) FROM source_file WHERE municipality_code = :m"


@contextmanager
def _small_sorts(connection: Connection) -> Iterator[None]:
    """SQLite lets every sort grow to the size of its page cache; here several sorts are open."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql(f"PRAGMA cache_size = -{_SORT_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}")


def verify(
    engine: Engine, municipality_code: str, progress: Callable[[int], None] | None = None
) -> list[Difference]:
    """検算: every difference (at most :data:`DIFFERENCES_MAX`); an empty list is a clean bill.

    ``progress`` is called with the number of records read again so far. Reads only, each check from
    one picture of the books, so that it may run beside an intake. Large books are checked by two
    processes: while this one looks at the papers, another begins with the books, and what that one
    has not begun by then is done here. Raises :class:`NotFoundError` for a municipality that does
    not exist.
    """
    _know_the_tables(engine)
    with _store(engine, municipality_code, progress) as store:
        if store.number(_RECORDS) < TWO_PROCESSES_FROM:
            return list(islice(chain(papers(store), books(store)), DIFFERENCES_MAX))
        # A fresh interpreter: a fork would share this one's connections.
        with ProcessPoolExecutor(1, get_context("spawn"), _begin_apart, (known_rates(),)) as pool:
            url, keys = engine.url.render_as_string(hide_password=False), keys_of(engine)
            apart = [pool.submit(_apart, url, keys, municipality_code, check) for check in _BOOKS]
            found = list(islice(papers(store), DIFFERENCES_MAX))
            here = {
                future: list(islice(_each(store, check), DIFFERENCES_MAX))
                for future, check in reversed([*zip(apart, _BOOKS, strict=True)])
                if future.cancel()
            }
            rest = (here[future] if future in here else future.result() for future in apart)
            return [*found, *chain.from_iterable(rest)][:DIFFERENCES_MAX]


def _know_the_tables(engine: Engine) -> None:
    """Where PostgreSQL's own worker has not been yet, its plans would be those of empty tables."""
    with engine.begin() as connection:
        count_uncounted(connection)


@contextmanager
def _store(
    engine: Engine, municipality_code: str, progress: Callable[[int], None] | None = None
) -> Iterator[Store]:
    """The books, in one read transaction."""
    with reading(engine, municipality_code) as connection, _small_sorts(connection):
        store = Store(connection, load_profile(connection, municipality_code), progress)
        yield store
        store.close()


def _begin_apart(rates: RateTable) -> None:
    """The second process knows the rates that this one knows: an installation may add years."""
    know_rates(lambda: rates)


def _apart(
    url: str, keys: KeyRing, municipality_code: str, check: Callable[[Store], Iterator[Difference]]
) -> list[Difference]:
    """One check in the second process."""
    engine = open_engine(url, keys=keys)
    try:
        with _store(engine, municipality_code) as store:
            return list(islice(_each(store, check), DIFFERENCES_MAX))
    finally:
        engine.dispose()


def papers(store: Store) -> Iterator[Difference]:
    """資料の検算: files against their lines, and statements against those before them."""
    return _each(store, evidence_and_lines, statement_chain)


def books(store: Store) -> Iterator[Difference]:
    """帳簿の検算: what was booked, against the lines and against itself."""
    return _each(store, *_BOOKS)


def _each(store: Store, *checks: Callable[[Store], Iterator[Difference]]) -> Iterator[Difference]:
    """Check after check. One that meets what it cannot read says so, and the others go on.

    Somebody may have written anything into a column: a text that is no JSON, a day that is none, a
    word that no list has.
    """
    for check in checks:
        try:
            yield from check(store)
        except (ValueError, TypeError, LookupError) as error:
            told = f"{type(error).__name__}: {error}"[:_TOLD_MAX]
            yield Difference("unreadable", check.__name__.strip("_"), "", told)


def _lines(store: Store) -> Iterator[Difference]:
    """Every line with all that it led to, and what these add up to."""
    walk = LineWalk(store)
    yield from walk.differences()
    yield from groups(store, walk)
    yield from ledger(store, walk)


def _numbers(store: Store) -> Iterator[Difference]:
    """Slips, and the numbers by which they are paid."""
    return _each(store, pay_keys, slips)


def _decided(store: Store) -> Iterator[Difference]:
    """What the rules and what people decided, and that every posting has its occasion."""
    return _each(
        store, decisions, cases, placements, credits_placed, deposits, debits, payees, refunds,
        refund_notices, dunning, dunning_grounds, charges, given_up, journals,
    )  # fmt: skip


def _summaries(store: Store) -> Iterator[Difference]:
    """Days and years."""
    return _each(store, days, years)


# The longest first: what the second process has not begun, the first one does, from the end.
_BOOKS: tuple[Callable[[Store], Iterator[Difference]], ...] = (
    _lines, instalments, _summaries, events, _numbers, _decided, seals,
)  # fmt: skip
