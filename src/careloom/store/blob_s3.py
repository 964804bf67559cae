"""Blobs in an S3-compatible store (AWS S3, MinIO, Ceph …): extra `careloom[s3]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from careloom.errors import ConfigurationError, NotFound, Unavailable

_MISSING = {"NoSuchKey", "404", "NotFound"}


class S3Store:
    """One object per blob, named `<prefix><place>/<id>`. The client is safe to share by threads."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    @classmethod
    def open(
        cls,
        bucket: str,
        *,
        prefix: str = "",
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> S3Store:
        """Use a bucket that exists; without keys, the machine's own AWS credentials."""
        # boto3 takes a third of a second to import; only those who chose S3 pay for it.
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise ConfigurationError(
                "Blobs in S3 need the package boto3", fix="pip install 'careloom[s3]'"
            ) from error
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=32,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint,
            region_name=region or "us-east-1",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=config,
        )
        return cls(client, bucket, prefix)

    def write(self, name: str, sealed: bytes) -> None:
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=sealed)

    def read(self, name: str) -> bytes:
        with self._translated():
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            return bytes(answer["Body"].read())

    def remove(self, name: str) -> None:
        with self._translated():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def check(self) -> None:
        try:
            with self._translated():
                self._client.head_bucket(Bucket=self._bucket)
        except NotFound as error:
            raise self._down("NoSuchBucket") from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        # Only reachable through `open`, which has imported botocore already.
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code in _MISSING:
                raise NotFound("There is no such blob in this store") from error
            raise self._down(code) from error
        except BotoCoreError as error:
            raise self._down(type(error).__name__) from error

    def _down(self, reason: str) -> Unavailable:
        return Unavailable(
            f"The blob store (bucket {self._bucket}) does not answer as it should: {reason}",
            fix="check CARELOOM_BLOBS, its credentials and the store; then try again",
        )
