from __future__ import annotations

import re
from io import BytesIO

import pytest
from inbox_files import payments
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from web.accounts import staff
from web.app import create_app

PASSWORD = "kaikei-no-himitsu"
FOREIGN = payments(800_000, "54321", "54321")


def upload(client, *files, claim=""):
    data = {"claim": claim, "files": [(BytesIO(data), name) for name, data in files]}
    return client.post("/staff/files/upload", data=data, content_type="multipart/form-data")


def events(city):
    with reading(city.engine, "99999") as connection:
        rows = connection.execute(
            text("SELECT event, subject FROM staff_event ORDER BY happened_at")
        )
        return [tuple(row) for row in rows if row.event.startswith("file_")]


def id_of(page):
    return int(re.findall(r"/staff/files/(\d+)", page)[-1])


def test_each_file_of_an_upload_has_its_own_result(treasurer, city):
    page = upload(
        treasurer, ("良い.csv", payments(800_100)), ("他団体.csv", FOREIGN), ("空.csv", b"")
    ).text
    assert [page.count(word) for word in ("取込済", "対象外")] == [1, 2]
    assert "2件 2,000円" in page.replace("&nbsp;", "")
    assert "すべての明細が他の団体のものです。" in page
    assert "誤って届いた他団体の資料です。" in page
    again = upload(treasurer, ("良い.csv", payments(800_100))).text
    assert "同じ内容の資料を取込済みです。" in again
    assert [event for event, _ in events(city)] == ["file_uploaded"] * 4


def test_the_channel_that_a_person_names_is_held_against_the_content(treasurer):
    assert (
        "別の経路の資料です。" in upload(treasurer, ("a.csv", payments(800_200)), claim="bank").text
    )
    page = upload(treasurer, ("a.csv", payments(800_200)), claim="konbini").text
    assert "取込済" in page


def test_an_upload_without_a_file_says_so(treasurer):
    assert "ファイルが選ばれていません。" in upload(treasurer).text
    assert "ファイルが選ばれていません。" in upload(treasurer, ("", b"x")).text


def test_only_this_page_takes_more_than_a_form_and_it_has_its_own_limit(city):
    settings = city.settings.model_copy(update={"file_bytes_max": 200_000})
    app = create_app(settings, city.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": PASSWORD})
    assert upload(client, ("a.csv", payments(800_300, *[""] * 1_000))).status_code == 200
    assert "送られた内容が大きすぎます。" in upload(client, ("b.csv", b"x" * 200_001)).text
    assert upload(client, ("c.csv", b"x" * 480_000)).status_code == 413
    elsewhere = client.post("/staff/sign-in", data={"user_name": "x" * 100_000})
    assert elsewhere.status_code == 413


def test_a_copy_that_cannot_be_written_takes_nothing_back(treasurer, city):
    (city.settings.home / "archive").write_bytes(b"a file where the folder should be")
    page = upload(treasurer, ("a.csv", payments(800_400))).text
    assert "控えの置き場に書けません。" in page
    assert "2件 2,000円" in page.replace("&nbsp;", "")


@pytest.mark.parametrize("role", ["auditor", "admin"])
def test_who_may_not_bring_files_is_refused(app, role):
    client = app.test_client()
    name = {"auditor": "kansa", "admin": "kanri"}[role]
    client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    assert client.get("/staff/files/upload").status_code == 403
    assert upload(client, ("a.csv", payments(800_500))).status_code == 403
    assert client.post("/staff/files/1/retry").status_code == 403
    assert "資料を取り込む" not in client.get("/staff/files").text
    expected = 403 if role == "admin" else 200
    assert client.get("/staff/files/1/original").status_code == expected


def test_a_stranger_cannot_make_the_server_read_anything(client):
    assert upload(client, ("a.csv", payments(800_500))).status_code == 303


def test_the_list_shows_files_by_state_and_channel(treasurer):
    everything = treasurer.get("/staff/files").text
    assert "konbini_dsk_20260601.csv" in everything
    held = treasurer.get("/staff/files?status=quarantined&channel=").text
    assert "konbini_dsk_20260601.csv" not in held
    assert "zengin_statement_20260601_x_bom.txt" in held
    nothing = treasurer.get("/staff/files?channel=notification").text
    assert "該当する資料はありません。" in nothing
    assert treasurer.get("/staff/files?status=nonsense&page=-1").status_code == 200
    second = treasurer.get("/staff/files?page=2").text
    assert "2 / " in second or "該当する資料はありません。" in second


def test_the_original_is_handed_out_as_it_came_and_written_down(auditor, city):
    source = city.files / "inbox" / "2026-06-01" / "konbini_dsk_20260601.csv"
    with reading(city.engine, "99999") as connection:
        file_id = connection.execute(
            text("SELECT file_id FROM source_file WHERE name = :name"), {"name": source.name}
        ).scalar_one()
    answer = auditor.get(f"/staff/files/{file_id}/original")
    assert answer.data == source.read_bytes()
    assert answer.headers["Content-Disposition"] == f"attachment; filename={source.name}"
    assert events(city) == [("file_downloaded", f"file:{file_id}")]
    assert auditor.get("/staff/files/987654/original").status_code == 404


def test_bytes_that_were_altered_are_not_handed_out(auditor, city):
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(text("DROP TRIGGER evidence_refuses_update"))
        connection.execute(text("UPDATE evidence SET data = X'00' WHERE piece_no = 0"))
    answer = auditor.get("/staff/files/3/original")
    assert (answer.status_code, "evidence_altered" in answer.text) == (409, True)


def test_a_finding_leads_to_its_bytes(treasurer, city):
    with reading(city.engine, "99999") as connection:
        file_id = connection.execute(
            text(
                "SELECT f.file_id FROM source_file f JOIN finding g ON g.file_id = f.file_id "
                "WHERE f.name LIKE '%zandaka%' AND g.byte_offset IS NOT NULL"
            )
        ).scalar()
    shown = treasurer.get(f"/staff/files/{file_id}").text
    links = re.findall(rf"/staff/files/{file_id}/findings/\d+", shown)
    assert links
    place = treasurer.get(links[0])
    assert place.status_code == 200
    assert "<mark>" in place.text
    assert ("file_bytes_viewed", f"file:{file_id}") in events(city)
    assert treasurer.get(f"/staff/files/{file_id}/findings/999").status_code == 404
    foreign = id_of(upload(treasurer, ("空.csv", b"")).text)
    assert treasurer.get(f"/staff/files/{foreign}/findings/1").status_code == 404  # no byte


def test_a_file_that_was_set_aside_is_tried_again_and_leaves_the_quarantine(treasurer, city):
    file_id = id_of(upload(treasurer, ("他.csv", FOREIGN)).text)
    aside = city.settings.home / "quarantine" / "99999"
    kept = sorted(path.name for path in aside.glob("*/*"))
    assert kept == ["他.csv", "他.csv.findings.csv", "他.csv.findings.txt"]
    assert "もう一度取り込む" in treasurer.get(f"/staff/files/{file_id}").text
    tried = treasurer.post(f"/staff/files/{file_id}/retry")
    page = treasurer.get(tried.headers["Location"]).text
    assert "もう一度取り込み、照合しました。" in page
    assert "もう一度取り込む" not in page  # a person has looked: now it is decided line by line
    assert "取込済" in page
    assert list(aside.glob("*/*")) == []
    again = treasurer.post(f"/staff/files/{file_id}/retry")
    assert (again.status_code, "file_accepted" in again.text) == (409, True)


def test_a_file_that_is_still_wrong_stays_aside(treasurer):
    file_id = id_of(upload(treasurer, ("空.csv", b"")).text)
    tried = treasurer.post(f"/staff/files/{file_id}/retry")
    page = treasurer.get(tried.headers["Location"]).text
    assert "結果は変わらず「対象外」です。" in page
    page = treasurer.get(f"/staff/files/{file_id}").text
    assert page.count("もう一度") >= 2  # the way it came, and the button


def test_who_brought_a_file_stands_on_its_page(app, treasurer, city):
    with unit_of_work(city.engine, "99999") as connection:
        staff.add(
            connection,
            "99999",
            "zei",
            roles=("collection",),
            display_name="税務 次郎",
            password=PASSWORD,
        )
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "zei", "password": PASSWORD})
    file_id = id_of(upload(client, ("a.csv", payments(800_700))).text)
    page = treasurer.get(f"/staff/files/{file_id}").text
    assert "税務 次郎" in page
    assert "archive/99999/" in page
