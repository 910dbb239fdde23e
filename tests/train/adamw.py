#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Five steps of PyTorch's AdamW in double precision: the numbers in adamw.c.

    VENV/bin/pip install torch==2.15.0 && VENV/bin/python tests/train/adamw.py
"""
import torch

torch.set_default_dtype(torch.float64)
p = torch.tensor([1.0, 0.5, -2.0, 3.0], requires_grad=True)
optimiser = torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
for step in range(5):
    p.grad = torch.tensor([0.1 * (step + 1), -0.2, 0.3 * (-1) ** step, 0.0])
    torch.nn.utils.clip_grad_norm_([p], 0.4)
    optimiser.step()
print(p.detach().tolist())
