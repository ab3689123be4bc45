"""CONTRIBUTING's worked example of an experiment runs as it stands there."""

import json
import os
import re
import subprocess

from pipeline_project import ROOT, RUN, Project, copy_driver


def test_the_example_of_an_experiment_runs(tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    script, schema = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (profiles,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    study = tmp_path / "experiments" / "e17_weights"
    study.mkdir(parents=True)
    (study / "experiment.py").write_text(script)
    (study / "profiles.toml").write_text(profiles)
    (study / "schema.py").write_text(schema)
    copy_driver(tmp_path)
    (tmp_path / "raikeras").symlink_to(ROOT / "raikeras")
    environment = Project.environment()

    def run():
        command = [*RUN, "run", "--profile", "smoke", "--root", tmp_path]
        done = subprocess.run(
            [*map(os.fspath, command)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout

    assert "e17_weights: 2 of 2 results to make with jax" in run()
    folder = tmp_path / "build" / "smoke" / "results" / "e17_weights"
    found = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/*.json")}
    assert set(found) == {"one", "hundred"}
    assert found["hundred"]["settings"] == {"hidden_weight": 100.0, "epochs": 3}
    for result in found.values():
        assert result["status"] == "ok"
        assert len(result["curves"]["deployed_loss"]) == 3
        assert 0 <= result["metrics"]["train_accuracy"] <= 1
    assert run() == ""
