"""The model registry: from a model's name to its provider."""

from __future__ import annotations

import gevent
import pytest

from flask_headrace.core.errors import (
    ConnectTimeout,
    ModelNotFound,
    ModelUnavailable,
    UpstreamConnectionError,
    UpstreamProtocolError,
)
from flask_headrace.providers import model_lists, registry
from flask_headrace.providers.http.sdk_errors import status_error
from flask_headrace.providers.model_lists import FAILURE_TTL, MODEL_LIST_TTL
from flask_headrace.providers.registry import Model, ModelRegistry
from tests.support.event_loop import until


class Acme:
    """A provider that returns or fails to return a list of models, and counts the calls."""

    pricing_provider = ""
    is_embedded = False

    def __init__(self, name: str, *models: str, error: Exception | None = None) -> None:
        self.name, self._models, self.error = name, models, error
        self.fetch_count = 0

    def models(self) -> list[str]:
        self.fetch_count += 1
        gevent.sleep(0)
        if self.error:
            raise self.error
        return list(self._models)

    def health_check(self) -> None:
        if self.error:
            raise self.error


class Clock:
    """A clock that the test advances."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(registry, "time", clock)
    monkeypatch.setattr(model_lists, "time", clock)
    return clock


def registry_of(*providers: Acme, default: str | None = None) -> ModelRegistry:
    return ModelRegistry(providers, default, "Nothing is set up.")


class TestResolve:
    def test_splits_at_the_first_slash(self) -> None:
        acme = Acme("acme")
        assert registry_of(acme).resolve("acme/org/tiny:free") == (acme, "org/tiny:free")

    @pytest.mark.parametrize("model", ["tiny", "", "acme/", "/tiny", "other/tiny", "ACME/tiny"])
    def test_of_another_name_tells_what_there_is(self, model: str) -> None:
        with pytest.raises(ModelNotFound) as raised:
            registry_of(Acme("acme"), Acme("best")).resolve(model)
        assert raised.value.message.startswith(f"No model {model!r} is set up here.")
        assert "acme/…, best/…" in raised.value.message

    def test_of_a_name_without_end_is_refused_where_it_would_be_kept(self) -> None:
        with pytest.raises(ModelNotFound, match="the name has 100005 characters, and 256 are the maximum") as raised:
            registry_of(Acme("acme")).resolve("acme/" + "x" * 100_000)
        assert len(raised.value.message) < 200

    @pytest.mark.parametrize("model", ["tiny", "org/tiny:free"])
    def test_of_a_bare_name_finds_who_lists_it(self, model: str) -> None:
        best = Acme("best", model)
        assert registry_of(Acme("acme", "big"), best).resolve(model, "acme") == (best, model)

    def test_of_a_bare_name_that_nobody_lists_takes_the_preferred_one(self) -> None:
        acme = Acme("acme", error=UpstreamProtocolError("no list"))
        assert registry_of(Acme("best", "big"), acme).resolve("tiny-latest", "acme") == (acme, "tiny-latest")
        with pytest.raises(ModelNotFound):
            registry_of(acme).resolve("tiny-latest", "best")

    def test_of_nothing_is_the_default(self) -> None:
        acme = Acme("acme", "tiny")
        assert registry_of(acme, default="acme/big").resolve(None) == (acme, "big")

    def test_where_nothing_is_set_up_tells_what_to_do(self) -> None:
        for model in (None, "acme/tiny"):
            with pytest.raises(ModelUnavailable, match="Nothing is set up"):
                registry_of().resolve(model)

    @pytest.mark.parametrize("model", [None, "tiny", "unlisted"])
    def test_waits_for_no_list_that_is_only_out_of_date(self, clock: Clock, model: str | None) -> None:
        acme, best = Acme("acme", "tiny"), Acme("best", error=UpstreamConnectionError("no"))
        offered = registry_of(acme, best)
        assert offered.resolve("tiny") == (acme, "tiny")
        for provider in (acme, best):
            provider.models = lambda: gevent.sleep(60)
        for _ in range(3):
            clock.now += MODEL_LIST_TTL + 1
            with gevent.Timeout(1):
                assert offered.resolve(model, "acme")[0] is acme
                gevent.sleep(0)

    def test_has_a_list_that_is_out_of_date_renewed_meanwhile(self, clock: Clock) -> None:
        acme = Acme("acme", "tiny")
        offered = registry_of(acme)
        assert offered.resolve("tiny") == (acme, "tiny")
        acme._models = ("big",)
        clock.now += MODEL_LIST_TTL + 1
        # A request that finds an expired list does not wait for the new one, which is fetched once in the background.
        assert offered.resolve("tiny") == (acme, "tiny")
        until(lambda: is_offered(offered, "big"))
        assert offered.resolve("big") == (acme, "big")
        assert not is_offered(offered, "tiny")
        assert acme.fetch_count == 2

    def test_of_a_bare_name_asks_all_for_their_lists_at_once(self) -> None:
        silent = [Acme(f"silent{number}") for number in range(5)]
        for provider in silent:
            provider.models = lambda: gevent.sleep(0.1) or []
        best = Acme("best", "tiny")
        with gevent.Timeout(0.4):
            assert registry_of(*silent, best).resolve("tiny") == (best, "tiny")

    def test_of_a_bare_name_is_not_kept_by_a_provider_that_has_a_mistake_in_it(self, caplog) -> None:
        acme, best = Acme("acme", error=ZeroDivisionError("oops")), Acme("best", "tiny")
        assert registry_of(acme, best).resolve("tiny") == (best, "tiny")
        assert "acme failed to return its list of models" in caplog.text
        assert "ZeroDivisionError" in caplog.text


class TestDefault:
    def test_is_the_first_model_of_the_first_provider(self) -> None:
        assert registry_of(Acme("acme", "tiny", "big"), Acme("best", "one")).default_model() == "acme/tiny"

    def test_is_the_one_of_the_settings_and_nobody_is_asked(self) -> None:
        acme = Acme("acme", "tiny")
        assert registry_of(acme, default="acme/big").default_model() == "acme/big"
        assert acme.fetch_count == 0

    @pytest.mark.parametrize("error", [None, UpstreamConnectionError("no")])
    def test_where_no_list_is_told_says_which_setting_helps(self, error: Exception | None) -> None:
        with pytest.raises(ModelUnavailable, match="HEADRACE_MODEL to one, as acme/…"):
            registry_of(Acme("acme", error=error), Acme("best", "one")).default_model()


class TestModels:
    def test_are_those_of_all_providers(self) -> None:
        assert registry_of(Acme("acme", "tiny", "big"), Acme("best", "one")).models() == [
            Model("acme/tiny", "acme", "tiny", False, True),
            Model("acme/big", "acme", "big", False, False),
            Model("best/one", "best", "one", False, False),
        ]

    def test_leave_out_a_provider_that_does_not_tell(self) -> None:
        found = registry_of(Acme("acme", error=UpstreamConnectionError("no")), Acme("best", "one")).models()
        assert [(model.id, model.default) for model in found] == [("best/one", False)]

    def test_begin_with_the_default_where_nobody_told_of_it(self) -> None:
        found = registry_of(
            Acme("acme", error=UpstreamConnectionError("no")), Acme("best", "one"), default="acme/big"
        ).models()
        assert [(model.id, model.default) for model in found] == [("acme/big", True), ("best/one", False)]

    def test_are_none_where_nothing_is_set_up(self) -> None:
        assert registry_of().models() == []

    def test_with_a_default_that_nobody_offers_are_still_told(self) -> None:
        found = registry_of(Acme("best", "one"), default="acme/big").models()
        assert [(model.id, model.default) for model in found] == [("best/one", False)]


class TestLists:
    def test_are_remembered_for_a_while(self, clock: Clock) -> None:
        acme = Acme("acme", "tiny")
        offered = registry_of(acme)
        offered.models()
        clock.now += MODEL_LIST_TTL - 1
        offered.models()
        assert acme.fetch_count == 1
        clock.now += 2
        offered.models()
        assert acme.fetch_count == 2

    def test_that_were_not_told_are_asked_for_again_soon(self, clock: Clock) -> None:
        acme = Acme("acme", "tiny", error=UpstreamConnectionError("no"))
        offered = registry_of(acme)
        assert offered.models() == []
        acme.error = None
        assert offered.models() == []
        clock.now += FAILURE_TTL + 1
        assert [model.id for model in offered.models()] == ["acme/tiny"]

    def test_that_are_not_told_any_more_stay_as_they_were(self, clock: Clock) -> None:
        acme = Acme("acme", "tiny")
        offered = registry_of(acme)
        offered.models()
        acme.error = UpstreamConnectionError("no")
        clock.now += MODEL_LIST_TTL + 1
        assert [model.id for model in offered.models()] == ["acme/tiny"]

    def test_are_asked_for_once_where_many_want_them(self) -> None:
        acme = Acme("acme", "tiny")
        offered = registry_of(acme)
        jobs = [gevent.spawn(offered.default_model) for _ in range(20)]
        assert {job.get() for job in jobs} == {"acme/tiny"}
        assert acme.fetch_count == 1

    def test_that_take_too_long_are_given_up(self, monkeypatch) -> None:
        monkeypatch.setattr(model_lists, "MODEL_LIST_TIMEOUT", 0.05)
        acme = Acme("acme", "tiny")
        acme.models = lambda: gevent.sleep(60)
        assert registry_of(acme, Acme("best", "one")).models()[0].id == "best/one"

    def test_that_take_too_long_are_given_up_whatever_waits_for_them(self, monkeypatch) -> None:
        monkeypatch.setattr(model_lists, "MODEL_LIST_TIMEOUT", 0.05)

        def stubborn() -> list[str]:
            while True:
                try:
                    gevent.sleep(60)
                except Exception:  # noqa: BLE001, PERF203  # as an SDK that tries again
                    gevent.sleep(0)

        acme = Acme("acme")
        acme.models = stubborn
        with (
            gevent.Timeout(5),
            pytest.raises(ConnectTimeout, match=r"acme did not return its list of models within 0\.05 s"),
        ):
            registry_of(acme, default="acme/tiny").health_check()


class TestCheck:
    @pytest.mark.parametrize(
        "error", [UpstreamConnectionError("no"), status_error("acme", 401, ""), status_error("acme", 500, "")]
    )
    def test_fails_where_the_provider_is_not_there_or_knows_no_such_key(self, error: Exception) -> None:
        acme = Acme("acme", error=error)
        acme.health_check = lambda: None
        with pytest.raises(type(error)):
            registry_of(acme, default="acme/tiny").health_check()

    @pytest.mark.parametrize("error", [UpstreamProtocolError("no list"), status_error("acme", 404, "")])
    def test_does_not_need_a_list_of_models(self, error: Exception) -> None:
        acme = Acme("acme", error=error)
        acme.health_check = lambda: None
        registry_of(acme, default="acme/tiny").health_check()

    def test_asks_the_provider_of_the_default(self) -> None:
        registry_of(Acme("acme", "tiny"), Acme("best", error=UpstreamConnectionError("no"))).health_check()
        with pytest.raises(UpstreamConnectionError):
            registry_of(Acme("acme", "tiny", error=UpstreamConnectionError("no")), default="acme/tiny").health_check()

    def test_asks_for_the_list_once_however_many_want_to_know(self) -> None:
        acme = Acme("acme", error=UpstreamConnectionError("no"))
        acme.health_check = lambda: None
        offered = registry_of(acme, default="acme/tiny")
        jobs = [gevent.spawn(offered.health_check) for _ in range(50)]
        gevent.joinall(jobs, timeout=10)
        assert {type(job.exception) for job in jobs} == {UpstreamConnectionError}
        assert acme.fetch_count == 1

    def test_fails_where_nothing_is_set_up(self) -> None:
        with pytest.raises(ModelUnavailable):
            registry_of().health_check()


def test_repr_names_the_providers() -> None:
    assert repr(registry_of(Acme("acme"), Acme("best"))) == "<ModelRegistry of acme, best>"
    assert repr(registry_of()) == "<ModelRegistry of nothing>"


def is_offered(offered: ModelRegistry, model: str) -> bool:
    try:
        offered.resolve(model)
    except ModelNotFound:
        return False
    return True
