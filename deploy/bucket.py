"""Create the bucket for encrypted uploads, once."""

import os

import boto3
from botocore.exceptions import ClientError


def main() -> None:
    """Make ``S3_BUCKET`` exist at ``S3_ENDPOINT_URL``."""
    store = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT_URL"],
        region_name=os.environ["AWS_REGION"],
        aws_access_key_id=os.environ["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["S3_SECRET_ACCESS_KEY"],
    )
    bucket = os.environ["S3_BUCKET"]
    try:
        store.create_bucket(Bucket=bucket)
        print(f"bucket: made {bucket}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise
        print(f"bucket: {bucket} is there")


if __name__ == "__main__":
    main()
