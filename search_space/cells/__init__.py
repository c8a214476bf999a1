"""Networks of repeated cells, after DARTS: the space, its networks, its NNI model space."""

USUAL_EXTENT = {"width": 16, "cells": 8}  # here, so that it can be told without importing torch
