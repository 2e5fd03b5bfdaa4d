#!/usr/bin/env bash
# veRL with its own trainer and verif's reward. Rows as verif writes them: the constraints are JSON in reward_model.ground_truth.
#   examples/verl_reward.sh MODEL train.parquet validation.parquet [more of veRL's keys]
# Soft constraints need a verifier with a judge: add
#   +reward.custom_reward_function.reward_kwargs.url=http://HOST:PORT
set -euo pipefail
model=$1 train=$2 validation=$3
shift 3
exec python -m verl.trainer.main_ppo \
  algorithm.adv_estimator=grpo \
  data.train_files="$train" data.val_files="$validation" data.train_batch_size=64 \
  actor_rollout_ref.model.path="$model" actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.n=8 \
  reward.custom_reward_function.path=pkg://verif.integrations.verl \
  reward.custom_reward_function.name=compute_score \
  +reward.custom_reward_function.reward_kwargs.formula=average \
  "$@"
