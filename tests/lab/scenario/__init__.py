# SPDX-License-Identifier: BSD-3-Clause
"""The story that foregate was invented for, played with real programs in the lab, and its report."""
