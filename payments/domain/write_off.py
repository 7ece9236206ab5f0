"""不納欠損: on which ground a claim is given up (地方税法15条の7, 18条; 地方自治法236条)."""

from __future__ import annotations

from payments.domain.labels import LabelledCode


class Ground(LabelledCode):
    """不納欠損の根拠: why the claim is no more."""

    ENFORCEMENT_STOPPED = "stop_three_years", "執行停止が3年続いた（地方税法15条の7④）"
    AT_ONCE = "stop_at_once", "執行停止と同時に消滅させる（地方税法15条の7⑤）"
    PRESCRIBED = "prescribed", "時効（地方税法18条）"
    PRESCRIBED_PUBLIC = "prescribed_public", "時効（地方自治法236条・個別法）"
    WAIVED = "claim_waived", "債権放棄（議決・条例）"

    @property
    def by_time(self) -> bool:
        """時効によるか: then the period must be over."""
        return self in {Ground.PRESCRIBED, Ground.PRESCRIBED_PUBLIC}
