"""Which documents are source code, where characters mean more than they show."""

from pathlib import PurePosixPath

from scratchlm.corpus.document import Document

_SUFFIXES = """ada adb ads asm awk bash bat bzl c cc cfg clj cljs cmake cmd coffee cpp
    cr cs css cu cuh cxx d dart diff dockerfile el elm env erl ex exs f f03 f08 f77 f90
    f95 fish for fs fsx gd glsl go gradle graphql groovy h hcl hh hpp hrl hs hxx ini
    ipynb java jl js json jsx kt kts lean less lisp lua m mjs mk ml mli mm nim nix pas
    patch php pl pm properties proto ps1 py pyi pyx qml r rb rkt rs s sass scala scm
    scss sh sol sql sv svelte swift tcl tex tf toml ts tsx v vb vhd vhdl vim vue wat
    xsl yaml yml zig zsh"""
CODE_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
_NAMES = """makefile dockerfile jenkinsfile rakefile gemfile vagrantfile cmakelists.txt
    .env .bashrc .zshrc .npmrc .netrc .pypirc"""
CODE_NAMES = frozenset(_NAMES.split())
_COMPRESSED = frozenset({".gz", ".xz", ".bz2", ".zst"})


def is_code(document: Document) -> bool:
    """Whether a document is source code: its `kind` says so, or its file's name.

    Rows of tables and JSON lines take no part in that: their file's name is not
    theirs. Markup for prose (`html`, `md`, `rst`) is not code.
    """
    kind = document.metadata.get("kind")
    if kind == "code":
        return True
    name = document.id.rpartition("!/")[2].rpartition("/")[2].lower()
    if ":" in name or "module" in document.metadata:  # a row; the standard library
        return "module" in document.metadata
    path = PurePosixPath(name)
    if path.suffix in _COMPRESSED:
        path = path.with_suffix("")
    return path.suffix in CODE_SUFFIXES or path.name in CODE_NAMES
