"""The server that the SDKs talk to does what the tests of SDKs rely on."""

from __future__ import annotations

import binascii
import json
import struct
import zlib

import httpx2
import pytest

from llm_server import Busy, Cut, LlmServer
from llm_server.delivery import packed, torn
from llm_server.frames import message
from llm_server.routes import BASES, ROUTES

ASK = {"model": "m-1", "messages": [{"role": "user", "content": "Ciao"}]}


def _post(llm, **more):
    with httpx2.Client() as client:
        return client.post(llm.url_of("openai") + "/chat/completions", json=ASK | more)


def test_the_same_request_gets_another_answer_each_time_and_another_server_gives_the_same_ones(llm):
    texts = [_post(llm).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert [text[:16] for text in texts] == ["Answer 1 to Ciao", "Answer 2 to Ciao"]
    with LlmServer() as other:
        assert _post(other).json()["choices"][0]["message"]["content"] == texts[0]


def test_pieces_of_a_stream_end_inside_lines_and_inside_characters(llm):
    content = _post(llm, stream=True).content
    pieces = list(torn(content))
    assert b"".join(pieces) == content
    assert any(not piece.endswith(b"\n") for piece in pieces)
    assert any(0x80 <= piece[0] < 0xC0 for piece in pieces)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_answer_is_the_same_when_it_is_unpacked(stream, encoding, llm):
    llm.encodings = [encoding]
    packed_one = _post(llm, stream=stream)
    with LlmServer() as other:
        assert packed_one.text == _post(other, stream=stream).text
    assert packed_one.headers["content-encoding"] == encoding


def test_the_checksums_of_an_event_are_those_of_its_bytes():
    event = message("metadata", {"text": "€"})
    length, headers, prelude = struct.unpack("!III", event[:12])
    assert length == len(event)
    assert prelude == binascii.crc32(event[:8])
    assert struct.unpack("!I", event[-4:]) == (binascii.crc32(event[:-4]),)
    assert json.loads(event[12 + headers : -4]) == {"text": "€"}


def test_a_fault_serves_one_request_each(llm):
    llm.faults = [Busy(429, (("retry-after", "7"),)), Cut(2)]
    busy = _post(llm)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    with pytest.raises(httpx2.RemoteProtocolError):
        _post(llm, stream=True)
    assert _post(llm).status_code == 200
    assert llm.count == 3


def test_nobody_answers_after_the_end(llm):
    with httpx2.Client() as client:
        assert client.post(llm.url_of("openai") + "/chat/completions", json=ASK).status_code == 200
        llm.stop()
        with pytest.raises(httpx2.TransportError):
            client.post(llm.url_of("openai") + "/chat/completions", json=ASK)
    assert llm.count == 1


def test_a_place_that_is_not_in_the_table_is_not_found(llm):
    with httpx2.Client() as client:
        assert client.post(llm.url + "/openai/v2/chat").status_code == 404


def test_each_provider_has_a_base_and_a_route():
    assert {route.pattern.split("/")[1] for route in ROUTES} == set(BASES)


def test_a_frame_can_be_read_when_it_has_come():
    unpack = zlib.decompressobj(wbits=31)
    assert [unpack.decompress(frame) for frame in packed([b"one", b"two"], "gzip")] == [b"one", b"two", b""]
