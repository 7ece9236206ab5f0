"""監査資料の文言: what stands at the top of a pack, and the headings of its tables."""

from __future__ import annotations

README = """\
監査資料（公金 kokin {release}）

団体　　: {municipality_name}（{municipality_code}）
範囲　　: {scope}
含むもの: {contents}

■ 確かめ方
  1. このファイルを展開し、そのフォルダで次を実行します（Python 3.8以降。通信も書込みもしません）。
         python -I check.py
     展開せずに確かめるときは  python -I check.py この資料.zip
  2. 最後に表示される manifest.json の SHA-256 が、受け取ったときに控えた値と同じであることを確かめます。
  3. 「封印のつながり」の最後の番号とハッシュ、または締めた日計表に印字された封印の番号とハッシュが、
     手元の紙と同じであることを確かめます。紙は、この資料とデータベースの外にある証拠です。
  check.py は文字だけの短いプログラムです。信用せずに、まず読んでください。

■ 中身
  evidence/       届いた資料のバイト列そのもの
  tables/*.csv    表（UTF-8、見出しつき）。表計算ソフトで開けます
    line 明細、line_outcome 照合結果、line_outcome_again 決め直した結果、journal 仕訳帳、posting 仕訳、
    assessment_event 調定異動、settlement 入金充当、case 確認事項、case_event 確認事項の経過、
    slip_event 納付書の出来事、approval_asked 承認の依頼、approval_decided 承認の決定、
    placement 充当先の決定、placement_part その内訳、link_block 結び付けの禁止、
    dunning_list 督促リスト、dunning_event その経過、dunning_row その明細、
    dunning_recheck 差押え前の再確認、limitation_event 時効の更新、
    day_closure 締め、file 資料の記録、rule 照合規則（作成した版での文言）
  seals/          封印。chain.txt は1番からのすべての封印、番号のフォルダは範囲の行とその証明
  day/            日計（signed.json は締めたときのまま、open.json は締める前の現在の帳簿）
  index.json      この資料の目次（プログラム用）
  manifest.json   すべてのファイルの大きさと SHA-256

■ 金額の読み方
  仕訳は一行が一つの振替（借方・貸方・金額）で、必ず貸借が一致します。
  受領 = 消込 + 仮受 + 記帳しないもの（再受領、確報、取消など）。

■ 個人情報
  氏名・住所は、届いた資料（evidence/）の中にだけあり得ます。調定などの台帳の資料は、
  求められたときだけ入れます。範囲に関係のない納付は、行の代わりにハッシュだけを入れています。
  この資料は必要な人にだけ渡し、用が済んだら消してください。
"""
SCOPE = {"day": "会計日・受領日 {day}", "case": "確認事項 {case}番"}
CONTENTS = {
    "files": "届いた資料のバイト列を含む（台帳を除く）",
    "registers": "届いた資料のバイト列を含む（台帳を含む）",
    "lines": "明細・仕訳・経過だけ（届いた資料のバイト列は含まない）",
}
COLUMNS: dict[str, str] = {
    "account": "勘定",
    "actor": "実行者",
    "agent": "経路",
    "amount_yen": "金額（円）",
    "applied": "消込額の決め方",
    "applied_yen": "消込（円）",
    "approval_id": "承認番号",
    "as_of_on": "抽出日",
    "asked_at": "依頼日時",
    "asked_by": "依頼者",
    "asked_on": "再確認の日",
    "block_no": "禁止の番号",
    "booked_on": "会計日",
    "byte_length": "バイト数",
    "byte_offset": "バイト位置",
    "case_no": "確認事項番号",
    "cause": "事由",
    "channel": "チャネル",
    "closed_until": "締め済の日",
    "closed_year": "締め済の年度",
    "closure_no": "締め番号",
    "condition": "条件",
    "content": "内容のハッシュ",
    "content_json": "内容",
    "content_sha256": "内容のSHA-256",
    "credit_account": "貸方",
    "cut_off_on": "資料がそろっている日",
    "debit_account": "借方",
    "decided_at": "決定日時",
    "decided_by": "決定者",
    "decision": "決定",
    "despite_id": "未着のままの抽出の承認番号",
    "details": "比べた値",
    "due_on": "納期限",
    "ends_on": "対象の終わり",
    "entry_no": "対象番号",
    "event": "出来事",
    "event_no": "順番",
    "fault": "形式不正の理由",
    "fee_yen": "手数料（円）",
    "file_id": "資料番号",
    "files_sha256": "根拠資料のSHA-256",
    "flags": "表示",
    "found_json": "分かったこと",
    "from_on": "この日から",
    "ground": "留保の根拠",
    "grounds": "すべての根拠（ビット）",
    "group_id": "払込単位",
    "happened_at": "日時",
    "happened_on": "日付",
    "item_code": "科目",
    "journal_id": "仕訳帳番号",
    "kind": "種別",
    "label": "結果の名称",
    "leg": "仕訳の順番",
    "letters": "枚数",
    "line_no": "行番号",
    "list_no": "督促リスト",
    "listed_count": "督促の対象（件）",
    "listed_yen": "督促の対象（円）",
    "made_at": "作成日時",
    "note": "メモ",
    "notice_id": "通知書の内部番号",
    "obligor_no": "宛名番号",
    "opened_on": "発生日",
    "other_slip_id": "前後の納付書の内部番号",
    "outcome": "照合結果",
    "owner": "担当者",
    "paid_on": "領収日",
    "paid_yen": "納付（円）",
    "part_no": "内訳の順番",
    "partner_file_id": "相手の資料番号",
    "partner_line_no": "相手の行番号",
    "period": "期間",
    "placement_no": "充当先の決定の番号",
    "reason": "理由",
    "recheck_no": "再確認の番号",
    "remittance_ref": "払込の番号",
    "report_sha256": "日計のSHA-256",
    "result": "結果",
    "revision": "版",
    "row_count": "明細の件数",
    "rows_sha256": "明細のSHA-256",
    "rule": "規則",
    "rule_label": "規則の名称",
    "sentence": "説明",
    "sha256": "SHA-256",
    "size_bytes": "大きさ（バイト）",
    "slip_id": "納付書の内部番号",
    "slip_key": "納付書の番号",
    "stage": "段階",
    "state": "状態",
    "subject": "対象",
    "subject_file_id": "対象の資料番号",
    "subject_line_no": "対象の行番号",
    "subject_no": "対象の番号",
    "suspense_yen": "仮受（円）",
    "taken_in_at": "取込日時",
    "term": "期別",
    "terms_json": "抽出の条件",
    "until_on": "この日まで",
}
