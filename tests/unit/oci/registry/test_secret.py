from __future__ import annotations

import copy
import pickle

import pytest

from bootworthy.oci.registry.credentials import Credentials
from bootworthy.oci.registry.secret import Secret, hide


def test_a_secret_shows_itself_to_nobody_by_mistake() -> None:
    secret = Secret("hunter2")
    holder = Credentials("file", "me", secret, secret, secret)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret!s:>20}", repr(holder), str([secret])):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2") != Secret("other")
    with pytest.raises(TypeError):
        copy.deepcopy(secret)


def test_secrets_are_hidden_in_what_others_say() -> None:
    secrets = [Secret("abc"), Secret("abcdef"), Secret("")]
    assert hide("abcdef, abc, ab", secrets) == "***, ***, ab"
