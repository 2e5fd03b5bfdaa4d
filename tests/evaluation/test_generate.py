"""Generation that is interrupted continues; faults of the server are retried or named. The server is a stand-in
that fails on purpose; the real one is in test_served.py."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from verif.errors import BusyError, ServiceError
from verif.evaluation.case import Case
from verif.evaluation.generate import AnswerFile, Sampling, generate, stored
from verif.types import Instruction

SAMPLING = Sampling("t1", 1.0, 16, 7)


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


class Faulty:
    """Answers with the prompt and the seed; `faults` are statuses given first; `slow` seconds each."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.faults: list[int] = []
        self.slow = 0.0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                time.sleep(outer.slow)
                said = "/".join(m["content"] for m in body["messages"])
                with outer.lock:
                    outer.asked[said] += 1
                    status = outer.faults.pop() if outer.faults else 200
                if "too long" in said:
                    status, reply = 400, {"error": {"message": "maximum context length is 512 tokens"}}
                else:
                    choice = {"message": {"content": f"<{said}|{body.get('seed')}>"}, "finish_reason": "stop"}
                    reply = {"choices": [choice], "usage": {"completion_tokens": 3}}
                data = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def faulty():
    found = Faulty()
    yield found
    found.server.shutdown()
    found.server.server_close()


def cases(n: int) -> list[Case]:
    return [Case(Instruction(id=f"p{i}", prompt=f"prompt {i}")) for i in range(n)]


def ask(path, wanted, url, sampling=SAMPLING):
    file = AnswerFile(path)
    try:
        return generate(wanted, sampling, file, url=url, model="model", label="test")
    finally:
        file.close()


def test_nothing_is_generated_twice_and_the_seed_is_the_cases_own(faulty, tmp_path) -> None:
    first = ask(tmp_path / "a", cases(30), faulty.url)
    again = ask(tmp_path / "a", cases(40), faulty.url)
    assert {id: again[id] for id in first} == first
    assert set(faulty.asked.values()) == {1}
    assert sum(faulty.asked.values()) == 40
    other = ask(tmp_path / "b", list(reversed(cases(30))), faulty.url)
    assert other == first  # the order of requests does not matter
    reseeded = ask(tmp_path / "a", cases(5), faulty.url, Sampling("t1", 1.0, 16, 8))
    assert all(reseeded[id] != first[id] for id in reseeded)
    assert len({answer.text.split("|")[1] for answer in first.values()}) == 30


def test_torn_last_line_is_cut_off_and_asked_again(faulty, tmp_path) -> None:
    path = tmp_path / "a"
    first = ask(path, cases(5), faulty.url)
    path.write_bytes(path.read_bytes()[:-7])
    file = AnswerFile(path)
    assert stored(cases(5), SAMPLING, file) is None
    file.close()
    assert ask(path, cases(5), faulty.url) == first
    assert sum(faulty.asked.values()) == 6
    file = AnswerFile(path)
    assert stored(cases(5), SAMPLING, file) == first
    file.close()


def test_two_runs_never_write_the_same_answers(faulty, tmp_path) -> None:
    file = AnswerFile(tmp_path / "a")
    with pytest.raises(BusyError, match="another run writes"):
        ask(tmp_path / "a", cases(1), faulty.url)
    file.close()
    assert len(ask(tmp_path / "a", cases(1), faulty.url)) == 1


def test_a_turn_is_asked_with_the_answer_to_the_turn_before(faulty, tmp_path) -> None:
    one, two = cases(2)
    found = ask(
        tmp_path / "a", [one, Case(two.instruction, follows="p0")], faulty.url, Sampling("greedy", 0.0, 16, 7)
    )
    assert found["p1"].text == "<prompt 0/<prompt 0|None>/prompt 1|None>"


@pytest.mark.slow
def test_server_faults_are_retried_and_then_named(faulty, tmp_path) -> None:
    faulty.faults = [500, 503]
    assert len(ask(tmp_path / "a", cases(2), faulty.url)) == 2
    faulty.faults = [500] * 50
    with pytest.raises(ServiceError, match="status 500"):
        ask(tmp_path / "b", cases(1), faulty.url)


def test_a_prompt_beyond_the_context_is_no_error_of_the_run(faulty, tmp_path) -> None:
    long = Case(Instruction(id="long", prompt="too long"))
    found = ask(tmp_path / "a", [long, *cases(1)], faulty.url)
    assert (found["long"].text, found["long"].finished) == ("", False)
    assert "longer than the model's context" in found["long"].note


def work(path, url) -> None:
    ask(path, cases(120), url)


@pytest.mark.slow
def test_killed_generation_continues_to_the_same_answers(faulty, tmp_path) -> None:
    faulty.slow = 0.02
    quiet = ask(tmp_path / "quiet", cases(120), faulty.url)
    faulty.asked.clear()
    for number in range(4):
        process = multiprocessing.get_context("fork").Process(target=work, args=(tmp_path / "a", faulty.url))
        process.start()
        time.sleep(0.15 + 0.1 * number)
        process.kill()
        process.join()
    assert ask(tmp_path / "a", cases(120), faulty.url) == quiet
    repeated = sum(faulty.asked.values()) - 120
    assert repeated <= 4 * 64  # at most what was under way at each kill
