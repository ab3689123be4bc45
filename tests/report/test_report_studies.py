"""The studies as the report finds them: variants, names, and what each figure is made of."""

import ast
from pathlib import Path

import pytest
from report_run import EXPERIMENTS

from experiments.driver import profiles
from report.lib import studies
from report.lib.errors import ReportError
from report.lib.latex import prefix
from report.lib.sources import parse, reached
from report.lib.style import look

ROOT = Path(__file__).resolve().parents[2]
STUDIES = {study.name: study for study in studies.found()}
CLAIMS = ROOT / "report" / "claims" / "claims.toml"
SHOWN = {shown.target: (study, shown) for study, own in studies.shown().items() for shown in own}


def test_variants_are_those_of_the_profiles_in_any_order():
    expected = {name: set(entry["variants"]) for name, (_, entry) in profiles.read(ROOT).items()}
    assert {name: set(one.variants) for name, one in EXPERIMENTS.items()} == expected


def test_looks_differ_by_more_than_colour():
    for experiment in EXPERIMENTS.values():
        both = [look(variant) for variant in experiment.variants.values()]
        looks = [(str(one["linestyle"]), one["marker"]) for one in both]
        assert len(set(looks)) == len(looks)


def test_experiments_have_their_studys_number_and_macros_of_their_own():
    for study in STUDIES.values():
        assert all(one.name[:4] == study.name[:4] for one in study.experiments)
    prefixes = {name: prefix(experiment) for name, experiment in EXPERIMENTS.items()}
    assert len(set(prefixes.values())) == len(prefixes)
    assert prefixes["e02_deep"] == "ETwo"
    assert prefixes["e19_spirals"] == "EOneNineSpirals"
    assert (prefixes["e07_minibatch"], prefixes["e07_batches"]) == ("ESeven", "ESevenBatches")


def test_only_what_spans_studies_has_no_number():
    assert [name for name, study in STUDIES.items() if not study.experiments] == ["overview"]
    assert {target for target, (study, _) in SHOWN.items() if study.name == "overview"} == {
        "figures/readme_landscapes.pdf",
        *(f"tables/{name}.tex" for name in ("claims", "peers", "peers_can", "provenance")),
        *("tables/source_protocol.tex", "tables/verdicts.tex"),
    }
    for target, (study, _) in SHOWN.items():
        assert study.name == "overview" or Path(target).name.startswith(study.name[:4])


def files(target):
    """What a figure or table is made of, below report/."""
    return {path.relative_to(ROOT / "report").as_posix() for path in reached(SHOWN[target][1].file)}


def numbers_files(study):
    """What its part of the numbers is made of."""
    return reached(study.folder / "numbers.py")


def test_a_study_is_made_of_nothing_of_another_study():
    for target, (study, _) in SHOWN.items():
        of_studies = {name.split("/")[1] for name in files(target) if name.startswith("studies/")}
        assert study.name == "overview" or of_studies == {study.name}, target
    for study in STUDIES.values():
        of_studies = {path.parent.name for path in numbers_files(study) if "studies" in path.parts}
        assert study.name == "overview" or of_studies == {study.name}


def test_claims_change_the_three_tables_that_print_verdicts_and_nothing_else_that_is_shown():
    with_claims = {target for target in SHOWN if "claims/claims.toml" in files(target)}
    assert with_claims == {f"tables/{name}.tex" for name in ("claims", "verdicts", "e10_contest")}
    with_claims = {study.name for study in STUDIES.values() if CLAIMS in numbers_files(study)}
    assert with_claims == {"overview"}


def test_imports_are_absolute_for_only_these_are_followed():
    for path in (ROOT / "report").rglob("*.py"):
        nodes = [node for node in ast.walk(parse(path)) if isinstance(node, ast.ImportFrom)]
        assert not any(node.level for node in nodes), path


def test_what_is_made_of_data_files_depends_on_them():
    assert "studies/e07_minibatch/trials.toml" in files("tables/e07_trials.tex")
    assert "studies/e11_relu_alpha/source_alphas.toml" in files("figures/e11_shares.pdf")
    assert "studies/overview/peers.json" in files("tables/peers.tex")
    assert "studies/overview/source_numbers.toml" in files("tables/source_protocol.tex")


def test_tables_of_all_studies_depend_on_the_looks_of_all():
    expected = {f"studies/{name}/looks.py" for name, one in STUDIES.items() if one.experiments}
    assert expected <= files("tables/claims.tex")


def test_two_functions_that_make_the_same_file_are_an_error(tmp_path, monkeypatch):
    for name in ("e07_one", "e07_two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "figures.py").write_text("def gap(results, out):\n    pass\n")
    (tmp_path / "e07_two" / "tables.py").write_text("def gap(results, out):\n    pass\n")
    found = tuple(studies.Study(folder, ()) for folder in sorted(tmp_path.iterdir()))
    monkeypatch.setattr(studies, "found", lambda: found)
    monkeypatch.setattr(studies, "ROOT", tmp_path)
    with pytest.raises(ReportError, match=r"figures/e07_gap.pdf of e07_one/figures.py, gap and"):
        studies.shown()
