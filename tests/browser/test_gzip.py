"""A gzip file of many members in a browser."""

from __future__ import annotations

import base64
import gzip

import pytest

from tests.browser.conftest import newest_job
from tests.support.http_client import request
from tests.support.system import EXPORT, NORTHWIND, System
from tests.support.visitor import Visitor, read_download

UNPACK = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  try { return (await new Response(unpacked).arrayBuffer()).byteLength; } catch (error) { return error.name; }
}"""


@pytest.mark.thorough
def test_a_browser_saves_a_compressed_file_byte_for_byte(visitor: Visitor, system: System) -> None:
    visitor.sign_in()
    visitor.at("#compression").select_option("gzip")
    visitor.export()
    visitor.expect_status("Completed")
    code = newest_job(system)["code"]
    link = system.job(f"/tenants/{NORTHWIND}{EXPORT}/{code}")["downloadUrl"]
    download, answer = visitor.download(), request("GET", link)

    assert download.suggested_filename.endswith(".csv.gz")
    assert (answer.headers["content-type"], "content-encoding" in answer.headers) == ("application/gzip", False)
    assert read_download(download) == answer.body
    assert gzip.decompress(answer.body) == system.export({})
    assert_script_reads_one_member_only(visitor, answer.body)


def assert_script_reads_one_member_only(visitor: Visitor, file: bytes) -> None:
    """Check that `DecompressionStream` cannot read the file, as docs/decisions/0010-formats.md says."""
    one = gzip.compress(b"one member")

    assert visitor.evaluate(UNPACK, base64.b64encode(one).decode()) == len(b"one member")
    assert visitor.evaluate(UNPACK, base64.b64encode(file).decode()) == "TypeError"
