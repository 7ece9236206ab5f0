"""延滞金・分納・不納欠損の文言: kinds, grounds, causes and states."""

from __future__ import annotations

CHARGE_LABELS: dict[str, dict[str, str]] = {
    "charge_kind": {"late_charge": "延滞金", "dunning_fee": "督促手数料"},
    "waiver_kind": {
        "whole": "全部",
        "part": "一部",
        "period": "期間",
        "withdraw": "減免の取消",
    },
    "plan_state": {
        "agreed": "分納中",
        "broken": "不履行",
        "ended": "完納",
        "cancelled": "取消",
    },
    "write_off_ground": {
        "stop_three_years": "執行停止が3年続いた（地方税法15条の7④）",
        "stop_at_once": "執行停止と同時に消滅させる（地方税法15条の7⑤）",
        "prescribed": "時効（地方税法18条）",
        "prescribed_public": "時効（地方自治法236条・個別法）",
        "claim_waived": "債権放棄（議決・条例）",
    },
    "limitation_cause": {
        "dunning": "督促",
        "seizure": "差押え",
        "demand": "交付要求",
        "acknowledgement": "納付義務の承認",
        "plan": "分納の誓約",
        "part_payment": "一部納付",
        "put_off": "徴収猶予・換価の猶予",
    },
}
