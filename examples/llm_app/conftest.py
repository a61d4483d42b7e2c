"""Clients, and what matters of a call, whichever model was asked."""

from typing import Self

import anthropic
import openai
import pytest
from pydantic import BaseModel

from pytest_recorded import Job

URL = "http://127.0.0.1:8000"
KEY = "sk-example-0123456789abcdef"


class Talk(BaseModel):
    """What was asked last, and what was said."""

    model: str
    asked: str
    said: str | None

    @classmethod
    def from_job(cls, job: Job) -> Self | None:
        if job.llm is None:
            return None
        body = job.request.json()
        return cls(model=body["model"], asked=body["messages"][-1]["content"], said=job.llm.text)


@pytest.fixture(scope="session")
def recorded_projections():
    return {"http.*": Talk}


@pytest.fixture
def gpt():
    with openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY) as client:
        yield client


@pytest.fixture
def claude():
    with anthropic.Anthropic(base_url=URL, api_key=KEY) as client:
        yield client
