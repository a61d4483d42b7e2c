"""A server on loopback that speaks the wire formats of language models' APIs, with answers that can be foretold.

`LlmServer` is started by a test and stopped by it; `url_of("openai")` is what an SDK gets as its base URL. What it
answers is decided in `mind`, once for all formats: the same conversation gives the same turn, asked again another one.
Each format is a module with functions from a request to an answer; `routes` is the table of them. How an answer comes,
whole, torn, compressed, late or broken off, is `delivery`'s: no format knows of it.
"""

from .delivery import Busy, Cut, Held
from .server import LlmServer

__all__ = ["Busy", "Cut", "Held", "LlmServer"]
