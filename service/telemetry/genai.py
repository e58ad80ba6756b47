"""OpenTelemetry's names for generative AI, all of them here: the convention still changes its mind."""

from __future__ import annotations

from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.semconv.attributes import error_attributes

OPERATION = names.GEN_AI_OPERATION_NAME
CHAT = names.GenAiOperationNameValues.CHAT.value
RETRIEVAL = names.GenAiOperationNameValues.RETRIEVAL.value
WORKFLOW = "invoke_workflow"
WORKFLOW_NAME = "gen_ai.workflow.name"

PROVIDER = names.GEN_AI_PROVIDER_NAME
REQUEST_MODEL = names.GEN_AI_REQUEST_MODEL
RESPONSE_MODEL = names.GEN_AI_RESPONSE_MODEL
FINISH_REASONS = names.GEN_AI_RESPONSE_FINISH_REASONS
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = names.GEN_AI_USAGE_INPUT_TOKENS
OUTPUT_TOKENS = names.GEN_AI_USAGE_OUTPUT_TOKENS
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
PROMPT_NAME = "gen_ai.prompt.name"
INPUT_MESSAGES = names.GEN_AI_INPUT_MESSAGES
OUTPUT_MESSAGES = names.GEN_AI_OUTPUT_MESSAGES

REQUEST_SETTINGS = {
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "max_completion_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "seed": names.GEN_AI_REQUEST_SEED,
}
"""Call settings by the names LangChain's models use."""

ERROR = error_attributes.ERROR_TYPE

STEP = "riddlewire.step"
STATUS = "riddlewire.status"
ATTEMPTS = "riddlewire.attempts"
FAILED_CHECKS = "riddlewire.failed_checks"
EXAMPLE_IDS = "riddlewire.example_ids"
COST = "riddlewire.cost_usd"
