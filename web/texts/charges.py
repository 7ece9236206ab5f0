"""延滞金・分納・不納欠損の文言: kinds, grounds, causes and states, and what is refused."""

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

# Spread into ERRORS.
CHARGE_ERRORS: dict[str, str] = {
    "charge_run_meanwhile": "延滞金などの調定が、同じときに別に行われました。もう一度実行してください。",
    "charge_register": "延滞金などの調定の台帳（資料 {file_id}）が取り込まれませんでした（{state}）。資料の指摘を確かめ、もう一度実行してください。",
    "write_off_places": "不納欠損にする期別は {expected} 件にしてください（{found} 件）。",
    "write_off_nothing": "{place} には未納がなく、不納欠損にするものがありません。",
    "write_off_later": "消滅の日 {on} はまだ来ていません。",
    "write_off_not_prescribed": "{place} の時効はまだ完成していません（消滅は {on}）。",
    "write_off_none": "期別 {place} には、取り消す不納欠損がありません。",
    "waiver_kind": "減免の種類は {expected} のどれかにしてください（値「{found}」）。",
    "waiver_period": "期間の減免には、始まりの日と終わりの日が要ります。",
    "waiver_none": "期別 {place} には、取り消す減免がありません。",
    "plan": "分納 {plan_no} はありません。",
    "plan_stands": "分納 {plan_no} がすでにあります。変えるときは、取り消してから新しく始めてください。",
    "plan_nothing": "未納のない期別が含まれています。一覧を開きなおしてください。",
    "plan_people": "一つの分納には、一人の納付義務者の期別だけを含めてください。",
    "plan_over": "分納 {plan_no} はもう終わっています（{state}）。",
    "plan_sum": "分納の合計 {found} 円が、未納額 {expected} 円と違います。",
    "plan_days": "分納の日は、早い順に、同じ日がないように書いてください（{found}）。",
    "plan_parts": "分納の回数は {expected} 回にしてください（{found} 回）。",
    "plan_two": "分納は、もう一人の職員の承認を受けて始めます。",
    "plan_slips": "分納 {plan_no} には、まだ納めていない回の納付書がありません。",
    "write_off_ground": "不納欠損の根拠と消滅の日を入れてください。",
    "profile_charges": "団体設定の延滞金等の {field} が正しくありません（値「{found}」）。{expected} にしてください。",
}
