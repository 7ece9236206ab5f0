"""記号の文言: what is wrong with a symbol that was read from paper, by the code of its finding."""

from __future__ import annotations

SYMBOLS: dict[str, str] = {
    "el_qr": "eL-QR",
    "konbini": "バーコード",
    "ocr": "印字",
}

# A deviation from a layout is called `{layout}_{reason}`.
LAYOUTS: dict[str, str] = {
    "el_qr": "eL-QR",
    "konbini": "バーコード",
    "ocr_upper": "OCR行（上段）",
    "ocr_lower": "OCR行（下段）",
}

REASONS: dict[str, str] = {
    "length": "{found}桁です（正 {expected}桁）。統一QRコードやコンビニ用バーコードではない可能性があります。",
    "digit": "数字でない文字「{found}」があります。納付書の記号ではない可能性があります。",
    "fixed": "{field}が「{found}」です（正 {expected}）。",
    "check_digit": "{field}が合いません（「{found}」、正 {expected}）。",
    "crc": "{field}が合いません（「{found}」、正 {expected}）。",
    "amount": "{field}「{found}」が、もう一か所の金額「{expected}」と異なります。",
    "date": "{field}「{found}」は、ありえない日付です。",
    "value": "{field}「{found}」は、書けない値です（正 {expected}）。",
}

SYMBOL_FINDINGS: dict[str, str] = {
    "symbols_disagree": "{field}が読取元によって異なります（「{found}」と「{expected}」）。この納付書は使わないでください。",
    "symbol_unsure": "不鮮明で、読み取った数字を確かめられません。明るい場所で近くから撮り直してください。",
    "el_number_unchecked": "印字されたeL番号には検査数字がなく、ほかの記号でも確かめられません。",
    "konbini_amount_limit": "コンビニで扱える金額を超えています（{found}円、{expected}）。",
}

# Fields that two symbols of a slip may both carry; the names are those of the registers.
FIELDS: dict[str, str] = {
    "amount_yen": "金額",
    "valid_until": "支払期限",
    "item_code": "納付区分（税目・料金番号）",
    "case_key": "納付番号（案件特定キー）",
    "confirmation_no": "確認番号",
    "collecting_body_code": "収納機関番号",
    "office_code": "税務事務所コード",
    "el_number": "eL番号",
    "upper_line": "OCR行（上段）",
    "lower_line": "OCR行（下段）",
    "account_no": "口座番号",
    "fee_bearer": "手数料負担区分",
    "agency_id": "機関ID",
    "stamp_duty": "印紙税要否",
    "eltax_area": "eLTAX利用領域",
    "upper_extension": "拡張領域（上段）",
    "lower_extension": "拡張領域（下段）",
    "company_code": "請求書発行企業コード",
    "free_area": "自由使用欄",
    "reissue": "再発行区分",
    "stamp_flag": "印紙フラグ",
}
