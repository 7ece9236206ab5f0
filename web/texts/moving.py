"""引っ越しの文言: why books were not taken to another database (kokin db move)."""

from __future__ import annotations

MOVING_ERRORS = {
    "move_source": "移せるのはSQLiteの台帳だけです。KOKIN_DATABASE_URL の台帳は、すでにPostgreSQLにあります。",
    "move_target": "移し先は postgresql:// で始まるアドレスで指定してください。",
    "move_filled": "移し先は空のデータベースにしてください（表 {found} があります）。何も移していません。",
    "move_busy": "{path} をほかの処理が開いています。kokin serve と kokin schedule、ほかの命令をすべて止めてから、もう一度実行してください。",
    "move_spool": "記帳を待つ通知が{found}件あります。kokin jobs run notifications で記帳してから、もう一度実行してください。",
    "move_tables": "台帳の表が、この版の表と合いません（{found}）。何も移していません。",
    "move_nul": "表 {table} の列 {column}（{row}行目）に、PostgreSQLに置けない文字（NUL）があります。何も移していません。",
    "move_value": "表 {table} の列 {column}（{row}行目）の値を、PostgreSQLに置けません（{found}）。何も移していません。",
    "move_key": "表 {table} に、参照先のない行があります（{found}）。kokin verify で確かめてください。何も移していません。",
    "move_differs": "表 {table} が移す前と一致しません（正 {expected} 値 {found}）。何も移していません。",
}
