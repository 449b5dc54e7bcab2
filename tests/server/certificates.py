"""Authorities, certificates and keys for tests, made with the openssl program in a directory."""

import pathlib
import ssl
import subprocess

OPENSSL = "openssl"


def run(*words):
    done = subprocess.run([OPENSSL, *map(str, words)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


class Authority:
    """An authority that signs in its own directory: `file` is its certificate."""

    def __init__(self, directory, name="Test authority"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.file, self.key = self.directory / "ca.crt", self.directory / "ca.key"
        self._key(self.key)
        run("req", "-x509", "-new", "-key", self.key, "-out", self.file, "-days", 2, "-subj",
            f"/O=Tests/CN={name}")

    @staticmethod
    def _key(path, password=None):
        cipher = ["-aes-256-cbc", "-pass", f"pass:{password}"] if password else []
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path,
            *cipher)

    def sign(self, name, days=2, password=None, subject=None):
        """Certificate and key for a common name, valid for 127.0.0.1 too."""
        certificate = self.directory / f"{name}.crt"
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._key(key, password)
        passing = ["-passin", f"pass:{password}"] if password else []
        run("req", "-new", "-key", key, "-out", request, "-subj", subject or f"/O=Tests/CN={name}",
            *passing)
        run("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial",
            "-out", certificate, "-days", days, "-extfile", extensions)
        return certificate, key


def client_context(authority, pair=None, version=None, check=True):
    """What a client of the tests trusts and shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if authority is None or not check:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority.file)
    if pair is not None:
        context.load_cert_chain(*pair)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context
