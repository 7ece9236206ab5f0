# Each target does all of its own set-up (tools/setup.sh), so one command is enough on a fresh
# Debian 12. `make help` lists them.

PYTHON := .venv/bin/python
ARGS ?=
# Worker processes of the tests; `make test WORKERS=0` runs them in one process.
WORKERS ?= 2
# The tests start many processes, each of which would compile all of kokin anew.
COMPILED := PYTHONDONTWRITEBYTECODE=
# A long test may take an hour, one of a million inputs several, but each ends: most say how long
# they may take themselves (pyproject.toml has the limit of all others).
LONG := -m soak -o timeout=3600 -o faulthandler_timeout=4500
MILLION := -m soak -o timeout=21600 -o faulthandler_timeout=25200

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak fuzz accessibility guides bundle sbom audit lock clean

help: ## この一覧
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

demo: ## 見本の市を作って照合し、画面を開く（ARGS="--port 8000" など）
	@tools/setup.sh run
	@.venv/bin/kokin demo $(ARGS)

test: ## すべてのテスト（ARGS="-k konbini" など）
	@tools/setup.sh test
	@$(COMPILED) $(PYTHON) -m pytest -n $(WORKERS) --dist=worksteal $(ARGS)

check: ## 書式・型・依存方向の検査
	@tools/setup.sh test
	@tools/check.sh

format: ## 書式を整える
	@tools/setup.sh test
	@.venv/bin/ruff format
	@.venv/bin/ruff check --fix

bench: ## 計測（benchmarks/）
	@tools/setup.sh test
	@tools/bench.sh $(ARGS)

soak: ## 長い試験（乱数・災い・中断。KOKIN_SOAK_SEED=… で同じ乱数、ARGS="-k faults" で一部）
	@tools/setup.sh test
	@$(PYTHON) -m pytest -n $(WORKERS) --dist=worksteal $(LONG) $(ARGS)

fuzz: ## 読取器ごとに100万件の乱数試験（KOKIN_FUZZ_INPUTS と KOKIN_FUZZ_SEED で変えられる）
	@tools/setup.sh test
	@KOKIN_FUZZ_INPUTS=$${KOKIN_FUZZ_INPUTS:-1000000} nice -n 19 $(PYTHON) -m pytest -n $(WORKERS) $(MILLION) tests/fuzz $(ARGS)

accessibility: ## 住民の画面を全言語で試し、結果をアクセシビリティの画面に書く
	@tools/setup.sh test
	@KOKIN_WRITE_ACCESSIBILITY=1 $(PYTHON) -m pytest -n 0 $(LONG) tests/web/help

guides: ## 手引きとREADMEの画面の写しを作り直す（docs/guide/pictures、docs/screenshots）
	@tools/setup.sh test
	@KOKIN_WRITE_GUIDES=1 $(PYTHON) -m pytest -n 0 tests/web/guides

bundle: ## 閉域向けの一式を作る（dist/、ハッシュの目録つき）
	@tools/setup.sh run
	@tools/bundle.sh $(ARGS)

sbom: ## 部品表（CycloneDX 1.6）を dist/kokin.cdx.json に書く
	@tools/setup.sh test
	@$(PYTHON) tools/dependencies.py sbom dist/kokin.cdx.json

audit: ## 固定した依存ライブラリに既知の脆弱性がないかを調べる（インターネットが必要）
	@tools/setup.sh test
	@tools/audit.sh

lock: ## 依存ライブラリの固定をやり直す（requirements*.lock）
	@tools/setup.sh test
	@tools/lock.sh

clean: ## 作ったものを消す（.venv と記録は残す）
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
