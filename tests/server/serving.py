"""conftest.py of this folder, for tests of others: `import serving`. Two files of the name conftest
cannot be imported as one, so it is loaded by its path, in the place of this module."""

import importlib.util
import pathlib
import sys

_path = pathlib.Path(__file__).with_name("conftest.py")
_spec = importlib.util.spec_from_file_location(__name__, _path)
_module = importlib.util.module_from_spec(_spec)
sys.modules[__name__] = _module
_spec.loader.exec_module(_module)
