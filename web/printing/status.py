"""印刷の状況: everything the books know about one run, as data to show anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from payments import approve, print_runs
from payments.release import KIND, not_accepted, pages_to_pull, subject_of
from payments.store.municipalities import load_profile
from web.printing.plan import choice_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.print_runs import PrintRun, RunDifference, RunFile, RunRefusal
    from payments.release import PulledPage


@dataclass(frozen=True, slots=True)
class RunStatus:
    """印刷の状況: the run, its finished files, what differs on paper, what was not printed."""

    run: PrintRun
    files: tuple[RunFile, ...]
    differences: tuple[RunDifference, ...]
    refusals: tuple[RunRefusal, ...]
    approvals: tuple[Approval, ...]  # 引渡の承認, oldest first
    not_accepted: int  # pages with an eL number that the hub has not said it took (T9)
    pull: tuple[PulledPage, ...]  # 抜取り: pages whose slip has ended since

    @property
    def pages(self) -> int:
        """頁数 printed and recorded."""
        return sum(file.pages for file in self.files)

    @property
    def complete(self) -> bool:
        """Whether every slip of the plan was printed or refused."""
        return self.pages + len(self.refusals) == self.run.slips

    @property
    def good(self) -> bool:
        """Whether every slip was printed and reads as the books say."""
        return self.complete and not (self.differences or self.refusals)

    def raster_pages(self, file: RunFile) -> tuple[int, ...]:
        """画素で読み戻した頁 of a file: the choice of the run says the same pages every time."""
        return choice_of(self.run).pages(file.pages, file.file_no)

    def as_dict(self) -> dict[str, Any]:
        """For a program: names as in the books."""
        return {
            "run": asdict(self.run)
            | {"sections": [section._asdict() for section in self.run.sections]},
            "pages": self.pages,
            "complete": self.complete,
            "good": self.good,
            "files": [
                asdict(file)
                | {
                    "raster_page_nos": self.raster_pages(file),
                    "layout": self.run.layout_of(file.file_no),
                }
                for file in self.files
                if file.name
            ],
            "differences": [asdict(difference) for difference in self.differences],
            "refused": [asdict(refusal) for refusal in self.refusals],
            "not_accepted": self.not_accepted,
            "pull": [asdict(page) for page in self.pull],
            "approvals": [
                {
                    "approval_id": approval.approval_id,
                    "state": approval.state,
                    "asked_by": approval.asked_by,
                    "asked_at": approval.asked_at,
                    "decided_by": approval.decided_by,
                    "decided_at": approval.decided_at,
                    "note": approval.note,
                }
                for approval in self.approvals
            ],
        }


def status_of(connection: Connection, municipality_code: str, run_id: int) -> RunStatus:
    """How a run stands; :class:`NotFoundError` ``print_run``."""
    profile = load_profile(connection, municipality_code)
    return RunStatus(
        run=print_runs.run_of(connection, municipality_code, run_id),
        files=tuple(print_runs.files_of_run(connection, municipality_code, run_id)),
        differences=tuple(print_runs.differences_of_run(connection, municipality_code, run_id)),
        refusals=tuple(print_runs.refusals(connection, municipality_code, run_id)),
        approvals=tuple(
            approve.of_subject(connection, municipality_code, KIND, subject_of(run_id))
        ),
        not_accepted=not_accepted(connection, profile, run_id),
        pull=tuple(pages_to_pull(connection, municipality_code, run_id)),
    )
