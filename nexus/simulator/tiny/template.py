"""The tiny model's chat template: Hermes-style tool calls, which llama.cpp parses by itself."""

CHAT_TEMPLATE = """\
{%- if tools %}<|system|>
{%- if messages[0].role == 'system' %}{{ messages[0].content }}
{% endif %}
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
Answer with <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|end|>
{%- elif messages[0].role == 'system' %}<|system|>{{ messages[0].content }}<|end|>
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' or (message.role == 'system' and not loop.first) -%}
<|{{ message.role }}|>{{ message.content }}<|end|>
{%- elif message.role == 'assistant' -%}
<|assistant|>{{ message.content if message.content else '' }}
{%- for call in (message.tool_calls or []) %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments \
if call.function.arguments is string else call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|end|>
{%- elif message.role == 'tool' -%}
<|tool|>{{ message.content }}<|end|>
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{%- if tools and messages[-1].role != 'tool' -%}
<|assistant_tools|>
{%- else -%}
<|assistant|>
{%- endif %}
{%- endif %}"""
