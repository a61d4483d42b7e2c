import syrupy.assertion

ASK = """
import pytest, world

@pytest.mark.recorded("world.ask")
def test_ask(data, snapshot):
    world.ask("hello")
    world.ask("you")
    assert data() == snapshot
"""
STORED = """\
# serializer version: 1
# name: test_ask
  - answer: "HELLO"
  - answer: "YOU"
# ---
"""


def test_data_of_calls_are_written_by_an_update_and_compared_from_then_on(project):
    project.write(test_a=ASK)
    assert project.run().outcomes == {"failed": 1}
    assert project.run("--snapshot-update").outcomes == {"passed": 1}
    assert project.text() == STORED
    result = project.run()
    assert result.code == 0
    assert "1 snapshot passed." in result.output


def test_the_snapshot_may_stand_on_either_side(project):
    project.write(test_a=ASK)
    project.run("--snapshot-update")
    project.write(test_a=ASK.replace("data() == snapshot", "snapshot == data()"))
    assert project.run().outcomes == {"passed": 1}
    assert project.run("--snapshot-update").code == 0
    assert project.text() == STORED
    project.write(test_a=ASK.replace("data() == snapshot", "not data() != snapshot"))
    assert project.run().outcomes == {"passed": 1}
