# SPDX-License-Identifier: Apache-2.0
if(TARGET svf_model AND CHECK_FOUND)
  svf_model_test(train_attention_back train/attention_back.c)
  svf_model_test(train_adamw train/adamw.c)
  svf_model_test(train_backward train/backward.c)
  svf_model_test(train_engine train/engine.c)
  svf_model_test(train_trainer train/trainer.c)
endif()
