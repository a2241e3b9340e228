"""A chat template as Jinja text: what transformers and others render with.

The text is made from the same table as our own rendering. It gives the same string; and
since other libraries tokenize that string whole, where a control token's name is always
the control token, it refuses (`raise_exception`) a content that holds one.
"""

import re
from collections.abc import Sequence

from scratchlm.tokenizer.chat_templates import ChatTemplate

_TEMPLATE = """\
{%- set control_tokens = @control_tokens@ -%}
{%- set heads = @heads@ -%}
{%- macro checked(text) -%}
  {%- for name in control_tokens -%}
    {%- if name in text -%}
      {{- raise_exception('a content must not contain ' ~ name) -}}
    {%- endif -%}
  {%- endfor -%}
  {{- text -}}
{%- endmacro -%}
{{- @begin@ -}}
{%- if tools -%}
  {{- heads['system'] ~ @tools_begin@ -}}
  {%- for tool in tools -%}
    {%- if not loop.first -%}
      {{- @newline@ -}}
    {%- endif -%}
    {{- checked(tool | tojson) -}}
  {%- endfor -%}
  {{- @tools_end@ ~ @end@ ~ @after@ -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message['role'] not in heads -%}
    {{- raise_exception('unknown role: ' ~ message['role']) -}}
  {%- endif -%}
  {%- set calls = message['tool_calls'] if message['tool_calls'] else [] -%}
  {%- if calls and message['role'] != 'assistant' -%}
    {{- raise_exception('only an assistant may call tools') -}}
  {%- endif -%}
  {%- set content = message['content'] -%}
  {%- if calls and (content is not defined or content is none) -%}
    {%- set content = '' -%}
  {%- endif -%}
  {%- if content is not string -%}
    {{- raise_exception('a content must be a text') -}}
  {%- endif -%}
  {{- heads[message['role']] -}}
  {%- if message['role'] == 'tool' -%}
    {{- @result_begin@ ~ checked(content) ~ @result_end@ -}}
  {%- else -%}
    {{- checked(content) -}}
  {%- endif -%}
  {%- for each in calls -%}
    {%- set call = each['function'] if each['function'] else each -%}
    {%- if call['name'] is not string -%}
      {{- raise_exception('a tool call needs a name') -}}
    {%- endif -%}
    {%- set arguments = call['arguments'] -%}
    {%- if arguments is not string -%}
      {%- set arguments = arguments | tojson -%}
    {%- endif -%}
    {%- if content or not loop.first -%}
      {{- @joint@ -}}
    {%- endif -%}
    {{- @call_begin@ ~ checked('{"name": ' ~ (call['name'] | tojson) ~ @key@ ~ \
arguments ~ '}') ~ @call_end@ -}}
  {%- endfor -%}
  {{- @end@ ~ @after@ -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- heads['assistant'] -}}
{%- endif -%}
"""


def build_jinja(template: ChatTemplate, control_tokens: Sequence[str]) -> str:
    """Write a template as Jinja text.

    Args:
        template: the table.
        control_tokens: names that no content may hold: all of the vocabulary.
    """
    heads = ", ".join(f"{_quote(k)}: {_quote(v)}" for k, v in template.heads.items())
    fields = {
        "control_tokens": "[" + ", ".join(map(_quote, control_tokens)) + "]",
        "heads": "{" + heads + "}",
        "begin": _quote(template.begin),
        "end": _quote(template.end),
        "after": _quote(template.after),
        "joint": _quote(template.joint),
        "newline": _quote("\n"),
        "key": _quote(f', "{template.arguments}": '),
    }
    for name in ("call", "result", "tools"):
        begin, end = getattr(template, name)
        fields |= {f"{name}_begin": _quote(begin), f"{name}_end": _quote(end)}
    return re.sub(r"@(\w+)@", lambda match: fields[match[1]], _TEMPLATE)


def _quote(text: str) -> str:
    r"""A string of Jinja: quotes, backslashes and line breaks escaped."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n").replace("\r", "\\r") + "'"
