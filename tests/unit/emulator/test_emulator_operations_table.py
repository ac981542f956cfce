"""The table of the control plane's orders, and the table of switches."""

import inspect

import msgspec
import pytest

from tradeconsole.emulator.control import Control
from tradeconsole.emulator.operations import OPERATIONS, Operation, operation
from tradeconsole.emulator.switchboard import SWITCHES, Switch, find_switch, positions, turn, turn_all
from tradeconsole.emulator.switches import Switches
from tradeconsole.errors import ConfigError
from tradeconsole.exchange.records import ExchangeOptions


@pytest.mark.parametrize("known", OPERATIONS, ids=lambda known: known.name)
def test_every_order_has_a_method_that_takes_its_arguments(known: Operation) -> None:
    method = inspect.signature(getattr(Control, known.name.replace("-", "_")))
    assert [parameter.annotation for parameter in method.parameters.values()][1:] == [known.arguments]
    assert operation(known.name) is known
    assert known.arguments.__doc__


def test_names_are_given_once() -> None:
    assert len({known.name for known in OPERATIONS}) == len(OPERATIONS)
    assert len({switch.name for switch in SWITCHES}) == len(SWITCHES)
    assert len({(switch.venue, switch.field) for switch in SWITCHES}) == len(SWITCHES)


def test_every_field_of_the_surface_and_the_venue_has_a_switch() -> None:
    surface = {switch.field for switch in SWITCHES if not switch.venue}
    venue = {switch.field.partition(".")[0] for switch in SWITCHES if switch.venue}
    assert surface == {field.name for field in msgspec.structs.fields(Switches)}
    assert venue == {field.name for field in msgspec.structs.fields(ExchangeOptions)}


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.name)
def test_what_is_written_is_what_it_then_says(switch: Switch) -> None:
    for value in switch.words or (switch.least, 5):
        surface, venue = Switches(), ExchangeOptions()
        turn(switch, value, surface, venue)
        assert positions(surface, venue)[switch.name] == (value if switch.words else f"{value:g}")
        others = {name: word for name, word in positions(surface, venue).items() if name != switch.name}
        assert others == {other.name: other.default for other in SWITCHES if other is not switch}


@pytest.mark.parametrize("value", [None, [], {}, "", "sideways", -1, 1e300 * 1e10, float("nan"), 10**400])
@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.name)
def test_nonsense_is_refused_and_turns_nothing(switch: Switch, value: object) -> None:
    surface, venue = Switches(), ExchangeOptions()
    with pytest.raises(ConfigError, match=switch.name):
        turn(switch, value, surface, venue)
    assert (surface, venue) == (Switches(), ExchangeOptions())


def test_switches_are_found_in_any_case_and_unknown_ones_have_a_hint() -> None:
    assert find_switch("LIMITFILL").name == "limitFill"
    with pytest.raises(ConfigError, match="did you mean 'depthLevels'"):
        turn_all({"depthLevel": 3}, Switches(), ExchangeOptions())
